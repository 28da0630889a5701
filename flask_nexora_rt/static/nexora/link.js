// Keeps one EventSource alive; only the leading tab has one.

import { NexoraError, isRetryable } from "./errors.js";
import { retryAfter } from "./http.js";

const LONGEST_MS = 30_000;
const FIRST_MS = 500;
// Until the server has said how long it may be silent.
const SILENCE_MS = 38_000;
const OPENING_MS = 15_000;
const STEADY_MS = 5_000;

/**
 * Opens, watches and re-opens. A native EventSource gives up for ever at any status but 200, and waits as long as it
 * likes, so each one is used for one connection only. `url()` is asked anew every time. Calls
 * `onBlock(block, id)`, `onDown(seconds until the next try)`, `onDenied(status)` for 401 and 403 (twice), and
 * `onError(error, final)`.
 */
export class Link {
  constructor(callbacks) {
    Object.assign(this, callbacks, { failures: 0, denials: 0, pause: 0, silence: SILENCE_MS });
  }

  open() {
    this.close();
    this.heard = Date.now();
    const source = new EventSource(this.url(), { withCredentials: true });
    this.source = source;
    source.onmessage = (event) => this.source === source && this.#take(event);
    source.onerror = () => this.source === source && this.#lost(source.readyState === EventSource.CLOSED);
    this.#watch(OPENING_MS);
  }

  close() {
    clearTimeout(this.timer);
    clearTimeout(this.watchdog);
    this.probing?.abort();
    this.source?.close();
    this.source = this.timer = this.probing = null;
  }

  /** The stream is open: `seconds` is how long it may be silent from now on. */
  established(seconds) {
    this.silence = seconds * 1000;
    this.since = Date.now();
    this.denials = 0;
    this.#watch(this.silence);
  }

  /** The server says that it is going: it wants its clients back spread over some seconds. */
  closing() {
    this.pause = 500 + 2500 * Math.random();
  }

  /** Tries at once if it waits, or has heard nothing for a while, or in any case (`force`). */
  wake(force) {
    const quiet = Date.now() - this.heard > this.silence / 2;
    if (!force && this.source && !quiet) return;
    this.failures = this.pause = 0;
    if (this.source) this.onDown(0);
    this.open();
  }

  /** Opens it anew, in a moment. */
  renew() {
    this.#lost(false);
  }

  #take({ data, lastEventId }) {
    this.heard = Date.now();
    let block;
    try {
      block = JSON.parse(data);
      if (typeof block?.event !== "string") throw new TypeError("it has no event name");
      // What the connection itself says has no place in the log.
      if (block.channel && !("position" in block) && !/^(pusher|nexora):/.test(block.event)) block.position = lastEventId;
    } catch (error) {
      return this.onError(new NexoraError("MalformedEvent", `an event cannot be read: ${error.message}`));
    }
    this.onBlock(block, lastEventId);
    this.#watch(this.silence);
  }

  /** A link that says nothing is dead: a laptop that slept keeps a half-open connection. */
  #watch(patience) {
    clearTimeout(this.watchdog);
    if (this.source) this.watchdog = setTimeout(() => this.#lost(false), patience);
  }

  #lost(refused) {
    if (Date.now() - this.since > STEADY_MS) this.failures = 0;
    this.since = undefined;
    this.close();
    if (refused) this.#probe();
    else this.#retry();
  }

  #retry(atLeast = 0) {
    const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.failures++);
    // Full jitter: after a restart of the server its clients must not all come back at once.
    const wait = Math.max(atLeast * 1000, this.pause) + Math.random() * longest;
    this.pause = 0;
    this.onDown(wait / 1000);
    this.timer = setTimeout(() => this.open(), wait);
  }

  /** An EventSource does not tell why it was refused; HEAD of the same URL does, and opens nothing. */
  async #probe() {
    this.onDown(0);
    const probing = (this.probing = new AbortController());
    const stop = setTimeout(() => probing.abort("late"), OPENING_MS);
    const options = { method: "HEAD", credentials: "include", cache: "no-store", signal: probing.signal };
    const response = await fetch(this.url(), options).catch(() => null);
    clearTimeout(stop);
    if (this.probing !== probing) return;
    this.probing = null;
    this.#judge(response?.status ?? 0, response && retryAfter(response));
  }

  #judge(status, seconds) {
    if (status === 401 || status === 403) {
      if (++this.denials < 2) return this.#retry(0.3);
      this.denials = 0;
      return this.onDenied(status);
    }
    if (status === 204 || (status >= 400 && !isRetryable(status))) return this.onError(NexoraError.of(status), true);
    this.#retry(seconds);
  }
}
