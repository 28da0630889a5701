// The page's one stream: every event of its channels, through every kind of interruption.

const SILENCE_MS = 40_000; // the server speaks every 15 s: after this long the link is dead
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;

/** Whether position `a` is after `b`; both are `<ms>-<seq>`, and none is before every other. */
export function isAfter(a, b) {
  if (!a || !b) return Boolean(a);
  const [[ms, seq], [otherMs, otherSeq]] = [a, b].map((position) => position.split("-").map(Number));
  return ms === otherMs ? seq > otherSeq : ms > otherMs;
}

/**
 * Keeps one EventSource alive. The browser reconnects it by itself while the server answers 200 or
 * not at all; after any other answer it gives up for ever (readyState CLOSED), and then this makes
 * a new one that goes on after the last event it saw, if `mayRetry` says that there is a point.
 *
 * Calls `onEvent({name, channel, data, position})` and `onState(state, text)`, where the state is
 * "connecting", "live" or "offline".
 */
export class Stream {
  constructor(channels, { onState, onEvent, mayRetry }) {
    Object.assign(this, { channels, onState, onEvent, mayRetry });
    this.position = "";
    this.failures = 0;
    addEventListener("online", () => this.open());
    addEventListener("offline", () => this.onState("offline", "Offline"));
    addEventListener("pagehide", () => this.close());
    addEventListener("pageshow", (event) => event.persisted && this.open());
  }

  open() {
    this.close();
    this.onState("connecting", this.position ? "Reconnecting" : "Connecting");
    const query = new URLSearchParams({ format: "envelope", channels: this.channels.join(",") });
    if (this.position) query.set("last_event_id", this.position);
    this.source = new EventSource(`/api/realtime/stream?${query}`);
    this.source.addEventListener("error", () => this.lost());
    this.source.addEventListener("message", (event) => this.take(event));
    this.watch();
  }

  close() {
    clearTimeout(this.timer);
    clearTimeout(this.watchdog);
    this.source?.close();
  }

  take(block) {
    const { event: name, channel, data } = JSON.parse(block.data);
    this.position = block.lastEventId || this.position;
    this.watch();
    this.failures = 0;
    if (name === "nexora:closing") this.onState("connecting", "Reconnecting");
    else this.onState("live", "Live");
    this.onEvent({ name, channel, data, position: this.position });
  }

  watch() {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => this.open(), SILENCE_MS);
  }

  lost() {
    if (!navigator.onLine) this.onState("offline", "Offline");
    else if (this.source.readyState === EventSource.CONNECTING) this.onState("connecting", "Reconnecting");
    if (this.source.readyState === EventSource.CLOSED) this.retryLater();
  }

  async retryLater() {
    this.close();
    this.onState("offline", "Offline, retrying");
    if (!(await this.mayRetry())) return;
    const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.failures++);
    // Jitter: after a restart of the server its clients must not all come back at once.
    this.timer = setTimeout(() => this.open(), longest * (0.5 + Math.random() / 2));
  }
}
