// Makes the stream hold what the tabs want, by asking the server.

import { request } from "./http.js";

const PER_REQUEST = 100;
const AGAIN_MS = 1_000;
const LINGER_MS = 1_000;

/**
 * Shares `base`, `ring`, `tabs` and `refused` with the leader. Calls `onHeld(names)`, `onRefused(name, status)`,
 * `onError(error)`, and `onGone()` when the server does not have the stream, or not for today's session.
 */
export class Steering {
  socketId = null;

  constructor(shared) {
    Object.assign(this, shared);
  }

  open(socketId) {
    this.socketId = socketId;
    this.calls = new AbortController();
    this.sync();
  }

  /** The stream is gone: what is still asked about it would be answered with 404. */
  close() {
    clearTimeout(this.again);
    clearTimeout(this.dropping);
    this.socketId = null;
    this.calls?.abort();
  }

  /** One request after the other, until nothing is left to do; some time later (`isCalm`) also what nobody wants any more. */
  async sync(isCalm = false) {
    this.dirty = true;
    if (this.busy) return;
    this.busy = true;
    try {
      while (this.dirty && this.socketId) {
        this.dirty = false;
        await this.#subscribe(this.socketId);
        if (isCalm) await this.#drop(this.socketId);
      }
    } catch (error) {
      this.#notSynced(error);
    } finally {
      this.busy = false;
    }
    clearTimeout(this.dropping);
    // Not at once: who goes to another page of the same site wants them again.
    if (!isCalm) this.dropping = setTimeout(() => this.sync(true), LINGER_MS);
  }

  syncLater(seconds) {
    clearTimeout(this.again);
    this.again = setTimeout(() => this.sync(), seconds * 1000 || AGAIN_MS);
  }

  #notSynced(error) {
    // The stream is another user's, or no more: it is opened anew in today's session.
    if ([401, 403, 404].includes(error.status)) return this.onGone();
    this.syncLater(error.retryAfter);
    if (!error.retryable) this.onError(error);
  }

  async #subscribe(socketId) {
    const groups = new Map();
    for (const tab of this.tabs.values()) {
      for (const [name, { active, since }] of tab.channels) {
        if (active || this.refused.has(name)) continue;
        // Also what the stream holds already: the server says whether today's session may have it.
        const key = this.ring.held.has(name) ? "" : (since ?? "");
        if (!groups.has(key)) groups.set(key, new Set());
        groups.get(key).add(name);
      }
    }
    for (const [since, names] of groups) for (const chunk of inChunks([...names])) await this.#ask(socketId, chunk, since);
  }

  async #ask(socketId, names, since) {
    if (this.socketId !== socketId) return;
    const added = names.filter((name) => !this.ring.held.has(name));
    for (const name of added) this.ring.hold(name, since || null);
    const body = { socket_id: socketId, channels: names, ...(since && { last_event_id: since }) };
    const answer = await this.#post("subscribe", body).catch(refusalOf(names));
    if (this.socketId !== socketId) return;
    for (const [name, status] of Object.entries(answer.refused)) {
      if (added.includes(name)) this.ring.held.delete(name);
      this.onRefused(name, status);
      if (status >= 500) this.syncLater();
    }
    if (answer.error) throw answer.error;
    this.onHeld(answer.subscribed);
  }

  async #drop(socketId) {
    const wanted = new Set([...this.tabs.values()].flatMap((tab) => [...tab.channels.keys()]));
    const names = [...this.ring.held.keys()].filter((name) => !wanted.has(name));
    for (const name of names) this.ring.held.delete(name);
    for (const channels of inChunks(names)) if (this.socketId === socketId) await this.#post("unsubscribe", { socket_id: socketId, channels });
  }

  #post(path, body) {
    return request(`${this.base}/realtime/${path}`, { body, stop: this.calls.signal });
  }
}

const inChunks = (names) => (names.length ? [names.slice(0, PER_REQUEST), ...inChunks(names.slice(PER_REQUEST))] : []);

/** A request that is wrong in itself will not be right later; after any other error it is asked again. */
const refusalOf = (names) => (error) => {
  const wrong = [400, 413, 422].includes(error.status);
  const refused = wrong ? Object.fromEntries(names.map((name) => [name, error.status])) : {};
  return { subscribed: [], refused, error: wrong ? undefined : error };
};
