// What the stream has brought lately, for tabs that come late. A tab that is behind it is told of a gap.

import { compare } from "./position.js";

const MOST = 500;

/**
 * The channels that the stream holds, and the events of the log that came on them.
 *
 * A replay shows an edited message once, as it is now: that suits who has seen exactly what was asked for (`from`),
 * and nobody who has seen part of it (up to `until`). Else everything is there as it was told, from `solid` on.
 */
export class Ring {
  held = new Map();
  #blocks = [];
  #replaying = 0;
  #last = "";
  #late = new Set();

  /** The stream has been opened anew: it holds `channels`, of which it replays `replayed` events after `from`. */
  restart(channels, { from, position, replayed, recovered }) {
    const before = this.held;
    const until = replayed ? null : position;
    this.#replaying = replayed;
    this.#late.clear();
    this.held = new Map(channels.map((name) => [name, { from, until, solid: (recovered && before.get(name)?.solid) || until, shown: null }]));
    this.#blocks = this.#blocks.filter(({ channel }) => this.held.has(channel));
  }

  /** The stream is about to be given one more channel, with a replay after `from`. */
  hold(name, from) {
    if (this.held.has(name)) return;
    this.#blocks = this.#blocks.filter(({ channel }) => channel !== name);
    this.held.set(name, { from, until: null, solid: null, shown: null });
    this.#late.add(name);
  }

  /** Takes an event of the stream. */
  add(block, id) {
    const held = this.held.get(block.channel);
    if (block.event === "nexora:ping") this.#complete(id);
    for (const name of this.#late) this.#settle(name, id);
    if (!held) return;
    if (block.position) this.#keep(block);
    else if (block.event === "pusher:subscription_succeeded") {
      held.shown = block.data;
      // Its replay comes right behind it, with the same id.
      if (this.#late.has(block.channel)) held.until ??= held.solid ??= id;
    } else if (held.shown?.presence) follow(held.shown.presence, block);
  }

  /** The server has lost what was before `id` of these channels. */
  gap(channels, id) {
    for (const name of channels) {
      if (this.held.has(name)) Object.assign(this.held.get(name), { from: id, until: id, solid: id });
    }
  }

  /** What came on the channel after `since`; null when part of it is missing, undefined when it is still coming. */
  after(name, since) {
    const { from, until, solid } = this.held.get(name);
    if (since !== from) {
      const folded = compare(since, from) > 0;
      if (folded && until === null) return undefined;
      if (!solid || compare(since, solid) < 0 || (folded && compare(since, until) < 0)) return null;
    }
    return this.#blocks.filter((block) => block.channel === name && compare(block.position, since) > 0);
  }

  /** The channels whose replay may not have come whole. */
  get unsettled() {
    return [...this.#late].filter((name) => this.held.get(name)?.from);
  }

  #settle(name, id) {
    const until = this.held.get(name)?.until;
    if (until !== null && until !== id) this.#late.delete(name);
  }

  #keep(block) {
    this.#blocks.push(block);
    if (this.#blocks.length > MOST) {
      const { channel, position } = this.#blocks.shift();
      const held = this.held.get(channel);
      if (held && compare(position, held.solid) > 0) Object.assign(held, { from: position, solid: position });
    }
    const place = `${block.channel} ${block.position}`;
    // A second name of the same event is not counted by the server.
    if (!this.#replaying || place === this.#last) return;
    this.#last = place;
    if (!--this.#replaying) this.#complete(block.position);
  }

  #complete(position) {
    for (const [name, held] of this.held) {
      if (held.until === null && !this.#late.has(name)) held.solid ??= held.until = position;
      held.until ??= this.#late.has(name) ? null : position;
    }
  }
}

/** Keeps a snapshot of the members up to date. */
function follow(presence, { event, data }) {
  if (event === "nexora:member_count") presence.count = data.count;
  else if (event === "pusher:member_added") presence.hash[data.id] = data.info;
  else if (event === "pusher:member_removed") delete presence.hash[data.id];
  else return;
  presence.ids = Object.keys(presence.hash);
  if (event !== "nexora:member_count") presence.count = presence.ids.length;
}
