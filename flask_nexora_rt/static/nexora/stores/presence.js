// Who is on a presence channel.

import { hold } from "./hold.js";
import { shared, Store } from "./store.js";

/** Members in the order in which they came: an array of `{id, ...info}` that also answers as a Map of them would. */
class MemberList extends Array {
  static get [Symbol.species]() {
    return Array;
  }

  get size() {
    return this.length;
  }

  get(id) {
    return this.find((member) => member.id === String(id));
  }

  has(id) {
    return this.get(id) !== undefined;
  }
}

export const NOBODY = Object.freeze({ members: Object.freeze(new MemberList()), count: 0, me: null, isConnected: false, error: null });

/** Snapshot: `{members, count, me, isConnected, error}`. With very many members only `count` is known. */
class PresenceStore extends Store {
  #held = null;
  #error = null;

  constructor(rt, name) {
    super();
    Object.assign(this, { rt, name });
  }

  start() {
    const tell = () => this.changed();
    const ended = (error) => this.#end(error);
    const handlers = {
      "pusher:subscription_succeeded": () => this.#end(null),
      "pusher:subscription_error": ended, "nexora:revoked": ended,
      "pusher:member_added": tell, "pusher:member_removed": tell, "nexora:member_count": tell,
    };
    this.#held = hold(this.rt, this.name, handlers, { onState: tell });
    this.changed();
  }

  stop() {
    this.#held.release();
    this.#held = null;
    this.changed();
  }

  #end(error) {
    this.#error = error;
    this.changed();
  }

  picture() {
    if (!this.#held || this.#error) return { ...NOBODY, error: this.#error };
    const { members: { members, count, myID }, subscribed: isConnected } = this.#held.channel;
    const list = MemberList.from(Object.entries(members), ([id, info]) => Object.freeze({ ...info, id }));
    return { members: Object.freeze(list), count, me: list.get(myID) ?? null, isConnected, error: null };
  }
}

export const presenceStore = (rt, name) => shared(rt, `presence:${name}`, () => new PresenceStore(rt, name));
