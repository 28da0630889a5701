// Who types in a conversation, and telling that one types oneself.

import { hold } from "./hold.js";
import { shared, Store } from "./store.js";

// The server tells the others at most every 3 s, and they believe it for 6 s.
const AGAIN_MS = 3_000;
const IDLE_MS = 5_000;

/** Snapshot: an array of user ids, without one's own. Who is not heard of again drops out by itself. */
class TypingStore extends Store {
  #typing = new Map();
  #held = null;
  #told = 0;
  #idle;

  constructor(rt, name) {
    super();
    Object.assign(this, { rt, name });
  }

  start() {
    const clear = () => this.#clear();
    this.#held = hold(this.rt, this.name, {
      "typing:start": ({ userId, expiresInMs }) => this.#begin(userId, expiresInMs),
      "typing:stop": ({ userId }) => this.#end(userId),
      "message:new": ({ senderId }) => (senderId === this.rt.user.id ? this.#rest() : this.#end(senderId)),
      "pusher:subscription_succeeded": clear, "nexora:gap": clear, "nexora:revoked": clear,
    }, { onState: clear });
  }

  stop() {
    this.#held.release();
    this.#clear();
    if (this.#told) this.send(false);
  }

  picture() {
    return [...this.#typing.keys()];
  }

  #begin(userId, expiresInMs) {
    if (userId === this.rt.user.id) return;
    const isNew = !this.#typing.has(userId);
    clearTimeout(this.#typing.get(userId));
    this.#typing.set(userId, setTimeout(() => this.#end(userId), expiresInMs));
    if (isNew) this.changed();
  }

  #end(userId) {
    clearTimeout(this.#typing.get(userId));
    if (this.#typing.delete(userId)) this.changed();
  }

  #clear() {
    for (const userId of [...this.#typing.keys()]) this.#end(userId);
  }

  /** One's message has come: with it the server has ended the typing. */
  #rest() {
    clearTimeout(this.#idle);
    this.#told = 0;
  }

  /**
   * Tells the others that one types, or has stopped. Call it at every key: it asks the server every 3 s at most, and
   * says by itself that one has stopped after 5 s without a call. A failure is the connection's `error`.
   */
  send = (isTyping) => {
    clearTimeout(this.#idle);
    const now = Date.now();
    if (isTyping) this.#idle = setTimeout(() => this.send(false), IDLE_MS);
    if (isTyping ? now - this.#told < AGAIN_MS : !this.#told) return;
    this.#told = isTyping ? now : 0;
    const body = { conversationId: this.name, isTyping };
    this.rt.request("/realtime/typing", { body }).catch((error) => this.rt.connection.emit("error", error));
  };
}

export const typingStore = (rt, name) => shared(rt, `typing:${name}`, () => new TypingStore(rt, name));
