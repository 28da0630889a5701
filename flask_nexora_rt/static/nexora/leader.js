// The leading tab's part: it holds the stream for all tabs of the browser, and tells them what comes.

import { NexoraError } from "./errors.js";
import { Link } from "./link.js";
import { latest } from "./position.js";
import { Ring } from "./ring.js";
import { Steering } from "./steering.js";

// gunicorn takes 4,094 bytes of request line.
const URL_ROOM = 3_500;
const PER_URL = 100;
const SETTLE_MS = 250;
const UNAVAILABLE_MS = 10_000;
const ROLL_CALL_MS = 60_000;

/**
 * Knows each tab's channels (`want`), opens one stream for all of them, and lets each tab have a channel (`sub`) once
 * the server has said yes in the session that the browser has now: so nobody gets what a former user may see.
 */
export class Leader {
  constructor({ base, bus, term, cursor }) {
    Object.assign(this, { base, bus, term, position: cursor, told: 0, state: "connecting", error: null });
    this.tabs = new Map();
    this.refused = new Map();
    this.ring = new Ring();
    this.link = new Link({
      url: () => this.#url(),
      onBlock: (block, id) => this.#take(block, id),
      onDown: (seconds) => this.#down(seconds),
      onDenied: (status) => this.#denied(status),
      onError: (error, final) => this.#fail(error, final),
    });
    const { ring, tabs, refused } = this;
    this.steering = new Steering({
      base, ring, tabs, refused,
      onHeld: (names) => this.#admitAll(names),
      onRefused: (name, status) => this.#refuse(name, status),
      onError: (error) => this.#fail(error),
      onGone: () => this.link.renew(),
    });
  }

  /** Asks who is there, waits for the answers of `others` tabs, and opens the stream. */
  async start(others) {
    this.#patience();
    this.#announce();
    this.rollCall = setInterval(() => this.#callRoll(), ROLL_CALL_MS);
    const late = Date.now() + SETTLE_MS;
    while (this.tabs.size <= others && Date.now() < late) await new Promise((next) => setTimeout(next, 10));
    this.settled = true;
    if (!this.stopped) this.link.open();
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.timer);
    clearInterval(this.rollCall);
    this.link.close();
    this.steering.close();
  }

  // --- what tabs say ------------------------------------------------------------------------------

  want({ from, channels, fresh, cursor, visible }) {
    this.tabs.set(from, { channels: new Map(Object.entries(channels)), visible, present: true });
    for (const name of fresh) this.refused.delete(name);
    if (!this.settled) this.position = latest(this.position, cursor);
    if (this.state === "failed" && fresh.length) this.revive();
    if (this.socketId) this.#doubtMissing();
    this.steering.sync();
  }

  bye({ from }) {
    if (this.tabs.delete(from)) this.steering.sync();
  }

  wake(force) {
    if (!this.settled || this.state === "failed") return;
    this.link.wake(force);
    if (this.state !== "unavailable" || !navigator.onLine) return;
    this.#set("connecting");
    this.#patience();
  }

  revive() {
    this.refused.clear();
    this.#set("connecting");
    this.#patience();
    this.link.open();
  }

  get someTabIsVisible() {
    return [...this.tabs.values()].some((tab) => tab.visible);
  }

  /** Says who leads and how it stands; also the answer to a tab that asks. */
  #announce() {
    const { term, state, socketId, user, error, retryIn } = this;
    this.#tell({ type: "here", state, socketId, user, error, retryIn, term });
  }

  status() {
    this.#announce();
  }

  #tell(message) {
    this.bus.post({ term: this.term, told: this.told, ...message });
  }

  /** Forgets tabs that have ended without a word. */
  #callRoll() {
    for (const [id, tab] of this.tabs) {
      if (!tab.present) this.tabs.delete(id);
      tab.present = false;
    }
    this.#tell({ type: "who" });
    this.steering.sync();
  }

  // --- the stream ---------------------------------------------------------------------------------

  /** The URL of a stream that goes on after `position`; who has seen something else is served once it is open. */
  #url() {
    const wanted = [...this.tabs.values()].flatMap((tab) => [...tab.channels]);
    this.position ??= wanted.find(([, sub]) => sub.since)?.[1].since ?? null;
    const suits = ([name, sub]) => !this.refused.has(name) && (sub.active || !sub.since || sub.since === this.position);
    const query = new URLSearchParams({ format: "envelope" });
    if (this.position) query.set("last_event_id", this.position);
    const names = [...new Set(wanted.filter(suits).map(([name]) => name))];
    this.asked = names.slice(0, PER_URL).filter((name) => `${query}${name}`.length < URL_ROOM && !query.append("channel", name));
    return `${this.base}/realtime/stream?${query}`;
  }

  #take(block, id) {
    const { event, data, channel } = block;
    const from = this.position;
    this.position = id || from;
    if (event === "pusher:connection_established") return this.#established(data, from);
    if (event === "pusher:subscription_error") return this.#refuse(channel, data.status);
    if (event === "nexora:closing") this.link.closing();
    if (event === "nexora:gap") this.ring.gap(data.channels, id);
    if (event === "nexora:revoked") this.#lose(data.channel, 403);
    this.ring.add(block, id);
    this.told += 1;
    this.#tell({ type: "block", block, id });
  }

  #established({ socket_id, user_id, channels, activity_timeout, replayed, recovered }, from) {
    this.link.established(activity_timeout);
    clearTimeout(this.timer);
    this.socketId = socket_id;
    const another = this.user !== undefined && this.user !== user_id;
    if (another) this.#forgetEverybodysPast();
    this.user = user_id;
    this.ring.restart(channels, { from, position: this.position, replayed, recovered: recovered && !another });
    this.#doubtMissing(from);
    this.#set("connected");
    this.#admitAll(channels);
    this.steering.open(socket_id);
  }

  /** Another user has signed in: what tabs have seen was the former one's. */
  #forgetEverybodysPast() {
    this.refused.clear();
    for (const tab of this.tabs.values()) for (const sub of tab.channels.values()) Object.assign(sub, { active: false, since: null });
  }

  #down(seconds) {
    this.socketId = null;
    this.steering.close();
    this.retryIn = seconds;
    for (const name of this.ring.unsettled) this.#doubt(name);
    if (this.state === "connected") this.#patience();
    this.#set(navigator.onLine && this.state !== "unavailable" ? "connecting" : "unavailable");
  }

  /** Its replay may have been cut, or the stream does not hold it: its tabs ask for it again. They have what was up to `at`. */
  #doubt(channel, at) {
    // Until they do: only they know from where.
    for (const { channels } of this.tabs.values()) channels.delete(channel);
    this.#tell({ type: "doubt", channel, at });
  }

  /** For some channels the stream's URL has no room, others were given up as their tab said nothing for too long. */
  #doubtMissing(at) {
    for (const { channels } of this.tabs.values()) for (const [name, { active }] of channels) if (active && !this.ring.held.has(name)) this.#doubt(name, at);
  }

  #patience() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.state === "connecting" && this.#set("unavailable"), UNAVAILABLE_MS);
  }

  #denied(status) {
    if (!this.asked.length) return this.#fail(NexoraError.of(status), true);
    // All of them: without them the stream may be had.
    for (const name of this.asked) this.#refuse(name, status);
    this.link.open();
  }

  #fail(error, final) {
    this.error = { ...error, message: error.message };
    this.#tell({ type: "error", error: this.error });
    if (final) this.#set("failed");
  }

  #set(state) {
    this.state = state;
    if (state === "connected") this.error = null;
    this.#announce();
  }

  // --- channels -----------------------------------------------------------------------------------

  #admitAll(names) {
    for (const [id, tab] of this.tabs) this.#admit(id, tab, names);
  }

  /** Lets a tab have those of `names` that it waits for, from where it has seen them. */
  #admit(to, tab, names) {
    const channels = {};
    for (const name of names) {
      const sub = tab.channels.get(name), held = this.ring.held.get(name);
      if (!sub || sub.active || !held) continue;
      const replay = sub.since ? this.ring.after(name, sub.since) : [];
      if (replay === undefined) {
        this.steering.syncLater(0.1);
        continue;
      }
      sub.active = true;
      channels[name] = { replay, since: sub.since, oldest: held.solid, shown: held.shown };
    }
    if (Object.keys(channels).length) this.#tell({ type: "sub", to, user: this.user, at: this.position, channels });
  }

  /** Tells the tabs; below 500 the answer is final until one of them asks anew. */
  #refuse(name, status) {
    if (status < 500) this.#lose(name, status);
    this.#tell({ type: "refused", channel: name, status });
  }

  #lose(name, status) {
    this.refused.set(name, status);
    this.ring.held.delete(name);
    this.#release(name);
  }

  #release(name) {
    for (const { channels } of this.tabs.values()) if (channels.has(name)) channels.get(name).active = false;
  }
}
