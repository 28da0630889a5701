// What a browser tells a page about its life and its network.

/**
 * Calls `onAway()` when the page is put aside or frozen, `onBack(force)` when it or the network is back (`force`: what
 * seems open may not be), and `onLook()` when somebody begins or ends to look at it.
 */
export function watchPage({ onAway, onBack, onLook }) {
  const look = () => {
    onLook();
    if (document.visibilityState === "visible") onBack(false);
  };
  const told = [
    [globalThis, "online", () => onBack(false)],
    // It may be wrong (a server on this machine): what the stream says is believed.
    [globalThis, "offline", () => onBack(true)],
    [globalThis, "pagehide", onAway],
    [globalThis, "pageshow", (event) => event.persisted && onBack(true)],
    [document, "freeze", onAway],
    [document, "resume", () => onBack(true)],
    [document, "visibilitychange", look],
  ];
  for (const [target, event, handler] of told) target.addEventListener(event, handler);
}
