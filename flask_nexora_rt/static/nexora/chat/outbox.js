// What is being sent: shown at once, and sent until the server has it or refuses it.

const TRIES = 5;

const newId = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

/** The drafts of one conversation, in the order in which they were written. */
export class Outbox {
  #drafts = new Map();
  // By draft: which of its attempts counts. Those that were taken back are passed over.
  #tickets = new Map();
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
    const { state, error } = this.#drafts.get(clientId) ?? {};
    if (state !== "failed") return;
    const along = [...this.#drafts.values()].filter((draft) => draft.error === error);
    for (const draft of along) {
      this.#change(draft.clientId, { state: "sending", error: null });
      this.#post(draft.clientId);
    }
  }

  /** Tries again what failed for want of a connection. */
  retryAll() {
    for (const { clientId, error } of [...this.#drafts.values()]) if (error?.retryable) this.retry(clientId);
  }

  discard(clientId) {
    if (this.#drafts.get(clientId)?.state === "failed" && this.#drafts.delete(clientId)) this.onChange();
  }

  /** The message is in the history: the stream may tell so before the answer does. */
  sent(clientId) {
    this.#drafts.delete(clientId);
    this.#tickets.delete(clientId);
  }

  clear() {
    this.#drafts.clear();
    this.#tickets.clear();
  }

  #change(clientId, change) {
    const draft = this.#drafts.get(clientId);
    if (!draft) return;
    this.#drafts.set(clientId, { ...draft, ...change });
    this.onChange();
  }

  #post(clientId) {
    const ticket = {};
    this.#tickets.set(clientId, ticket);
    this.#sending = this.#sending.then(() => this.#tickets.get(clientId) === ticket && this.#try(clientId, TRIES));
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
      this.#fail(clientId, error);
    }
  }

  #fail(failed, error) {
    // What was written later must not get there first.
    const waiting = [...this.#drafts.values()].filter(({ state }) => error.retryable && state === "sending").map(({ clientId }) => clientId);
    for (const clientId of new Set([failed, ...waiting])) {
      this.#tickets.delete(clientId);
      this.#change(clientId, { state: "failed", error });
    }
  }
}
