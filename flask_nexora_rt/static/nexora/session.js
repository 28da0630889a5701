// One tab's part: it says what it wants, filters what the leader tells, and knows what it has seen.

import { canShare, elect } from "./election.js";
import { Leader } from "./leader.js";
import { watchPage } from "./page.js";
import { isKnown, latest } from "./position.js";

const LOOK_MS = 2_000;
const DEAD_MS = 5_000;

const newId = () => crypto.getRandomValues(new Uint32Array(3)).join("-");

/**
 * Calls `onEvent({event, channel, data, user_id})`, `onState(status)`, `onRefused(channel, status)`, `onUser(now,
 * before)` and `onError(error)`. Without `share` this tab has a stream of its own.
 */
export class Session {
  constructor({ base, share, ...callbacks }) {
    Object.assign(this, callbacks, { base, id: newId(), subs: new Map(), fresh: new Set(), cursor: null });
    this.share = share && canShare();
    this.name = `nexora-rt/1:${new URL(base, location.href)}`;
    this.leader = null;
    watchPage({ onAway: () => this.#goAway(), onBack: (force) => this.#comeBack(force), onLook: () => this.#announceLater() });
  }

  // --- life ---------------------------------------------------------------------------------------

  join() {
    if (this.joined) return;
    Object.assign(this, { joined: true, term: 0, told: null, heard: Date.now(), looked: Date.now() });
    this.#announceLater();
    if (!this.share) return this.#lead();
    this.radio = new BroadcastChannel(this.name);
    this.radio.onmessage = ({ data }) => this.#hear(data);
    this.election = elect(this.name, { onLead: () => this.#lead(), onLost: () => this.#follow() });
    this.election.join();
    this.watch = setInterval(() => this.#look(), LOOK_MS);
    this.post({ type: "ask" });
  }

  leave() {
    if (!this.joined) return;
    this.post({ type: "bye" });
    this.joined = false;
    clearInterval(this.watch);
    this.#follow();
    this.election?.leave();
    this.radio?.close();
    this.election = this.radio = null;
    this.#pauseAll();
  }

  get leads() {
    return Boolean(this.leader);
  }

  get someTabIsVisible() {
    return this.leader ? this.leader.someTabIsVisible : undefined;
  }

  #goAway() {
    this.away ||= this.joined;
    this.leave();
  }

  #comeBack(force) {
    if (!this.away) return this.#wake(force);
    this.away = false;
    this.join();
  }

  #wake(force) {
    if (!this.joined) return;
    if (this.leader) this.leader.wake(force);
    else this.post({ type: "wake" });
  }

  connect() {
    this.join();
    this.leader?.state === "failed" ? this.leader.revive() : this.post({ type: "revive" });
  }

  async #lead() {
    const call = (this.call = {});
    // What the former leader told last may still be on its way.
    if (this.term) await new Promise((next) => setTimeout(next, 30));
    // Two tabs may have taken the lead, one right after the other.
    if (this.call !== call || this.leader) return;
    const term = Math.max(this.term + 1, Date.now());
    this.leader = new Leader({ base: this.base, bus: this, term, cursor: this.cursor });
    this.#obey(term);
    const others = await (this.election?.others() ?? 0);
    if (this.leader?.term === term) this.leader.start(others);
  }

  #follow() {
    this.leader?.stop();
    this.leader = this.call = null;
  }

  /** Takes the lead from a leader that does not answer: a page that is frozen keeps its lock. */
  #look() {
    const now = Date.now();
    // This tab may itself have been asleep.
    if (now - this.looked > 2 * LOOK_MS) this.heard = now;
    this.looked = now;
    if (this.leader || document.visibilityState !== "visible") return;
    if (now - this.heard > DEAD_MS) {
      this.heard = now;
      this.election.steal();
    } else if (now - this.heard > LOOK_MS / 2) {
      this.post({ type: "ask" });
    }
  }

  // --- what this tab wants ------------------------------------------------------------------------

  /** Wants a channel, from `since` on if that is given. Asking again for a refused one asks the server again. */
  add(name, since = null) {
    this.subs.set(name, { since, last: since, active: false });
    this.fresh.add(name);
    this.#announceLater();
  }

  remove(name) {
    this.subs.delete(name);
    this.fresh.delete(name);
    this.#announceLater();
  }

  #announceLater() {
    if (!this.announcing) queueMicrotask(() => this.#announce());
    this.announcing = true;
  }

  #announce() {
    this.announcing = false;
    if (!this.joined) return;
    const subs = [...this.subs].filter(([, sub]) => !sub.refused);
    const channels = Object.fromEntries(subs.map(([name, { since, active }]) => [name, { since, active }]));
    const visible = document.visibilityState === "visible";
    this.post({ type: "want", channels, fresh: [...this.fresh], cursor: this.cursor, visible });
    this.fresh.clear();
  }

  /** Stops listening, and notes how far each channel has been seen. */
  #pauseAll() {
    for (const sub of this.subs.values()) this.#pause(sub, latest(sub.last, this.cursor));
    this.told = null;
  }

  #pause(sub, since) {
    if (sub.active) Object.assign(sub, { since, active: false });
  }

  // --- talk between tabs --------------------------------------------------------------------------

  /** To the other tabs, and to this one, which may lead as well. */
  post(message) {
    const signed = { from: this.id, ...message };
    this.radio?.postMessage(signed);
    this.#hear(signed);
  }

  #hear(message) {
    if (!this.joined) return;
    if (message.term) this.#hearLeader(message);
    else if (message.type === "local") this.#event(message.block);
    else if (this.leader) this.#hearTab(message);
  }

  #hearTab(message) {
    const { leader } = this;
    if (message.type === "want") leader.want(message);
    else if (message.type === "bye") leader.bye(message);
    else if (message.type === "ask") leader.status();
    else if (message.type === "wake") leader.wake(false);
    else if (message.type === "revive" && leader.state === "failed") leader.revive();
  }

  #hearLeader(message) {
    if (message.term < this.term) return;
    if (message.term > this.term) this.#obey(message.term);
    this.heard = Date.now();
    if (message.to && message.to !== this.id) return;
    const handle = {
      here: this.#status, who: this.#announce, sub: this.#admitted, block: this.#block, refused: this.#refused,
      doubt: this.#doubt, error: ({ error }) => this.onError(error),
    }[message.type];
    handle?.call(this, message);
  }

  /** There is a new leader: it is told where this tab stands. */
  #obey(term) {
    // Deposed while it slept.
    if (this.leader && this.leader.term < term) this.#follow();
    this.term = term;
    this.#pauseAll();
    this.#announceLater();
  }

  #status(status) {
    // Before it is connected it does not know whose stream it has.
    if (status.state === "connected") this.#identify(status.user);
    if (status.state === "failed") this.lost = true;
    this.onState(status);
  }

  #identify(user) {
    if (user === this.user && !this.lost) return;
    const before = this.user;
    Object.assign(this, { user, lost: false });
    // Told anew also when it is the same one, who had lost the session.
    if (before === undefined || before === user) return this.onUser(user);
    // What was seen was the former user's.
    this.cursor = null;
    for (const sub of this.subs.values()) Object.assign(sub, { since: null, last: null, active: false, refused: false });
    this.onUser(user, before);
    for (const channel of this.subs.keys()) this.fresh.add(channel);
    this.#announceLater();
  }

  // --- what comes ---------------------------------------------------------------------------------

  #admitted({ channels, user, at, told }) {
    this.#identify(user);
    for (const [name, { replay, since, oldest, shown }] of Object.entries(channels)) {
      const sub = this.subs.get(name);
      if (!sub || sub.active) continue;
      // Meant for what this tab wanted before.
      if (sub.since !== since) this.#announceLater();
      else this.#begin(name, sub, { replay, since, oldest, shown, at });
    }
    this.told ??= told;
    this.cursor = at;
  }

  #begin(channel, sub, { replay, since, oldest, shown, at }) {
    Object.assign(sub, { active: true, refused: false, last: since && replay ? latest(sub.last, since) : at });
    if (!replay) this.#gap({ channels: [channel], reason: "expired", since, oldest });
    for (const block of replay ?? []) this.#event(block);
    if (shown) this.#event({ event: "pusher:subscription_succeeded", channel, data: shown });
  }

  #block({ block, id, told }) {
    if (this.told === null) return;
    if (told !== this.told + 1) {
      // Something the leader said did not arrive here.
      this.#pauseAll();
      return this.#announceLater();
    }
    this.told = told;
    const { event, channel, data } = block;
    if (event === "nexora:gap") this.#gap(data);
    else if (event === "nexora:revoked") this.#revoked(block);
    else if (channel) this.#event(block);
    this.cursor = id || this.cursor;
  }

  #event(block) {
    const sub = this.subs.get(block.channel);
    if (sub?.active && !isKnown(sub, block)) this.onEvent(block);
  }

  #gap(data) {
    const mine = data.channels.filter((name) => this.subs.get(name)?.active);
    for (const channel of mine) {
      this.subs.get(channel).last = null;
      this.onEvent({ event: "nexora:gap", channel, data: { ...data, channels: [channel] } });
    }
  }

  #revoked({ event, data }) {
    const sub = this.subs.get(data.channel);
    if (!sub) return;
    Object.assign(sub, { active: false, since: null, refused: true });
    this.onEvent({ event, channel: data.channel, data });
    this.onRefused(data.channel, 403);
  }

  #refused({ channel, status }) {
    const sub = this.subs.get(channel);
    // An authorizer that is broken is asked again and again: that is told once.
    if (!sub || sub.refused) return;
    Object.assign(sub, { active: false, refused: status < 500 });
    if (sub.problem !== status) this.onRefused(channel, status);
    sub.problem = status;
  }

  #doubt({ channel, at }) {
    const sub = this.subs.get(channel);
    if (sub) this.#pause(sub, latest(sub.last, at));
    this.#announceLater();
  }
}
