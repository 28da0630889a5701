// A channel as one part of a page holds it.

import { Emitter } from "../../nexora-rt.js";
import { hold } from "./hold.js";
import { Store } from "./store.js";

/**
 * Has the channel's interface, with handlers of its own: `unbind_all()` and `unsubscribe()` hurt nobody else. It is
 * subscribed to while somebody watches. Snapshot: `{isConnected, error}`.
 */
export class HeldChannel extends Emitter {
  #store = new Store();
  #held = null;
  #error = null;

  constructor(rt, name) {
    super();
    Object.assign(this, { pusher: rt, name });
    const tell = () => this.#store.changed();
    const refused = (error) => {
      this.#error = error;
      tell();
    };
    const handlers = {
      "pusher:subscription_succeeded": () => refused(null),
      "pusher:subscription_error": refused,
      "nexora:revoked": (data) => refused(Object.assign(new Error(`no longer allowed: ${data.reason}`), { status: 403, ...data })),
    };
    const relay = (event, data, metadata) => this.emit(event, data, metadata);
    this.#store.start = () => {
      this.#held = hold(rt, name, handlers, { onState: tell });
      this.#held.channel.bind_global(relay);
      tell();
    };
    this.#store.stop = () => {
      this.#held.channel.unbind_global(relay);
      this.#held.release();
      this.#held = null;
      tell();
    };
    this.#store.picture = () => ({ isConnected: this.subscribed, error: this.#error });
    this.watch = this.#store.subscribe;
    this.getSnapshot = this.#store.getSnapshot;
  }

  get subscribed() {
    return this.#held?.channel.subscribed ?? false;
  }

  get subscriptionPending() {
    return this.#held?.channel.subscriptionPending ?? true;
  }

  get members() {
    return this.#held?.channel.members;
  }

  trigger(event, data) {
    return this.pusher.trigger(this.name, event, data);
  }

  /** It stays until nobody watches it; what it had bound is gone. */
  unsubscribe() {
    this.unbind_all();
  }

  /** Binds while holding the channel; returns a function that undoes both. */
  listen(event, handler) {
    const own = (data, metadata) => handler(data, metadata);
    const release = this.watch(() => {});
    this.bind(event, own);
    return () => {
      this.unbind(event, own);
      release();
    };
  }
}
