// The badge that says whether what one sees is what everybody sees.

import { byId } from "../chat/dom.js";

export class Sync {
  #saving = new Map();

  constructor(rt) {
    this.rt = rt;
    this.ended = "";
    rt.connection.bind("state_change", () => this.show());
    this.show();
  }

  /** `who` has so many changes that the server does not know yet. */
  set(who, count) {
    this.#saving.set(who, count);
    this.show();
  }

  /** It is over: nothing more comes. */
  end(text) {
    this.ended = text;
    this.show();
  }

  /** Calls `act` whenever the connection is back. */
  onBack(act) {
    this.rt.connection.bind("state_change", ({ current }) => current === "connected" && act());
  }

  show() {
    const [state, text] = this.#describe();
    if (byId("sync-text").textContent === text) return;
    byId("sync").dataset.state = state;
    byId("sync-text").textContent = text;
  }

  #describe() {
    const { state, reconnecting } = this.rt.connection;
    const waiting = [...this.#saving.values()].reduce((sum, count) => sum + count, 0);
    if (this.ended) return ["offline", this.ended];
    if (state === "connected") return waiting ? ["connecting", "Syncing"] : ["live", "Live"];
    if (state === "failed") return ["offline", "Signed out"];
    if (navigator.onLine && ["initialized", "connecting"].includes(state)) return ["connecting", reconnecting ? "Reconnecting" : "Connecting"];
    return ["offline", waiting ? `Offline, ${waiting} to sync` : "Offline"];
  }
}

/** Lets the badge say when the channel is no longer for this user. */
export function endWith(channel, sync) {
  for (const event of ["nexora:revoked", "pusher:subscription_error"]) channel.bind(event, ({ status }) => (status ?? 403) === 403 && sync.end("No longer a member"));
}
