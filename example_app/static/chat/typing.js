// Who is typing: tells the others about us, and us about the others.

import * as api from "./api.js";
import { byId } from "./dom.js";
import { listOf } from "./text.js";

const TELL_EVERY_MS = 3_000; // the server passes no more on, and the others believe it for 6 s
const IDLE_MS = 4_000;

export class Typing {
  constructor(conversationId, people) {
    Object.assign(this, { conversationId, people });
    this.told = null;
    this.timers = new Map();
  }

  // --- us ---

  /** The text in the box has changed. */
  typed(text) {
    clearTimeout(this.idle);
    if (!text) return this.stop();
    this.idle = setTimeout(() => this.stop(), IDLE_MS);
    if (this.told && Date.now() - this.told < TELL_EVERY_MS) return;
    this.told = Date.now();
    this.tell(true);
  }

  stop() {
    if (this.told) this.tell(false);
    this.sent();
  }

  /** A message has gone out; the server ends our typing by itself. */
  sent() {
    clearTimeout(this.idle);
    this.told = null;
  }

  async tell(isTyping) {
    try {
      await api.typing(this.conversationId, isTyping);
    } catch (error) {
      console.debug("not told who is typing:", error.message); // it runs out by itself
    }
  }

  // --- the others ---

  take(name, { userId, expiresInMs }) {
    clearTimeout(this.timers.get(userId));
    this.timers.delete(userId);
    if (name === "typing:start") this.timers.set(userId, setTimeout(() => this.take("typing:stop", { userId }), expiresInMs));
    this.show();
  }

  show() {
    const names = [...this.timers.keys()].filter((id) => id !== this.people.me).map((id) => this.people.name(id));
    byId("typing").textContent = names.length ? `${listOf(names)} ${names.length > 1 ? "are" : "is"} typing` : "";
  }
}
