// What is being sent: shown at once, and sent until the server has it or refuses it.

const TRIES = 5;

const newId = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

/** The drafts of one conversation, in the order in which they were written. */
export class Outbox {
  #drafts = new Map();
  #sending = Promise.resolve();

  /** `list` has `rt` and `conversationId`; `onSent(message)` gets what the server has saved. */
  constructor(list, onChange, onSent) {
    Object.assign(this, { list, onChange, onSent });
  }

  get drafts() {
    return this.#drafts.values();
  }

  add(content, attachments) {
    const clientId = newId();
    const { conversationId, rt } = this.list;
    this.#drafts.set(clientId, { clientId, content, attachments, conversationId, senderId: rt.user.id, createdAt: new Date().toISOString(), state: "sending", error: null });
    this.#post(clientId);
    this.onChange();
    return clientId;
  }

  retry(clientId) {
    if (this.#drafts.get(clientId)?.state !== "failed") return;
    this.#change(clientId, { state: "sending", error: null });
    this.#post(clientId);
  }

  /** Tries again what failed for want of a connection. */
  retryAll() {
    for (const { clientId, error } of this.#drafts.values()) if (error?.retryable) this.retry(clientId);
  }

  discard(clientId) {
    if (this.#drafts.get(clientId)?.state === "failed" && this.#drafts.delete(clientId)) this.onChange();
  }

  /** The message is in the history: the stream may tell so before the answer does. */
  sent(clientId) {
    this.#drafts.delete(clientId);
  }

  clear() {
    this.#drafts.clear();
  }

  #change(clientId, change) {
    const draft = this.#drafts.get(clientId);
    if (!draft) return;
    this.#drafts.set(clientId, { ...draft, ...change });
    this.onChange();
  }

  #post(clientId) {
    this.#sending = this.#sending.then(() => this.#try(clientId, TRIES));
  }

  async #try(clientId, tries) {
    if (!this.#drafts.has(clientId)) return;
    const { conversationId, content, attachments } = this.#drafts.get(clientId);
    const ids = attachments?.map((one) => one.id ?? one);
    try {
      const { message } = await this.list.rt.request("/messages", { body: { conversationId, content, clientId, ...(ids && { attachments: ids }) } });
      this.sent(clientId);
      this.onSent(message);
    } catch (error) {
      if (error.type === "RateLimited" && tries) return pause(error.retryAfter ?? 1).then(() => this.#try(clientId, tries - 1));
      this.#change(clientId, { state: "failed", error });
    }
  }
}
