// One conversation: history over HTTP, live messages over the stream, and what is being sent from here.

import { NexoraError } from "./nexora-rt.js";

const PAGE = 50;
const MOST_PAGES = 5;
const TRIES = 5;

const newId = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

/**
 * The messages of a conversation in `seq` order, each once, and behind them the drafts of this page.
 *
 *     const list = new MessageList(rt, "guild-7");
 *     list.subscribe(() => draw(list.getSnapshot()));
 *     await list.open();
 *     list.send("Hello");
 *
 * A snapshot is `{messages, receipts, hasMore, loading, error}`, the same object until something changes. A message
 * has a `state`: "sent", "sending" or "failed" (then with `error`).
 */
export class MessageList {
  #messages = new Map();
  #drafts = new Map();
  #receipts = {};
  #listeners = new Set();
  #snapshot = null;
  #sending = Promise.resolve();
  #fetching = Promise.resolve();
  #about = { hasMore: false, loading: false, error: null };

  constructor(rt, conversationId, { pageSize = PAGE } = {}) {
    Object.assign(this, { rt, conversationId, pageSize });
    this.handlers = {
      "message:new": (message) => this.#arrived(message),
      "message:edit": (message) => this.#put([message]),
      "message:delete": ({ id, deletedAt }) => this.#amend(id, { deletedAt, content: "", attachments: [], reactions: {} }),
      "message:reaction": ({ id, reactions }) => this.#amend(id, { reactions }),
      "message:read": ({ userId, upToSeq }) => this.#read(userId, upToSeq),
      "nexora:gap": ({ reason }) => this.#lost(reason),
    };
    this.onState = ({ current }) => current === "connected" && this.#retryAll();
  }

  /** Fetches the newest page and goes on from there. Rejects with a NexoraError; may be called again. */
  async open() {
    const live = this.rt.channel(this.conversationId)?.subscribed;
    if (live) this.#listen();
    const page = await this.#fetch(() => this.#page());
    if (!this.channel) this.#listen(page.position);
  }

  close() {
    if (!this.channel) return;
    for (const [event, handler] of Object.entries(this.handlers)) this.channel.unbind(event, handler);
    this.rt.connection.unbind("state_change", this.onState);
    this.rt.unsubscribe(this.conversationId);
    this.channel = null;
  }

  #listen(lastEventId) {
    // From where the history was read: nothing is between the two.
    this.channel = this.rt.subscribe(this.conversationId, { lastEventId: lastEventId ?? undefined });
    for (const [event, handler] of Object.entries(this.handlers)) this.channel.bind(event, handler);
    this.rt.connection.bind("state_change", this.onState);
  }

  // --- for views ----------------------------------------------------------------------------------

  /** Calls `listener` after each change; returns a function that stops it. */
  subscribe = (listener) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  getSnapshot = () => (this.#snapshot ??= {
    ...this.#about,
    messages: [...this.#sorted().map((message) => ({ ...message, state: "sent" })), ...[...this.#drafts.values()].map((draft) => ({ ...draft }))],
    receipts: { ...this.#receipts },
  });

  #sorted() {
    return [...this.#messages.values()].sort((a, b) => a.seq - b.seq);
  }

  #changed() {
    this.#snapshot = null;
    for (const listener of [...this.#listeners]) listener();
  }

  // --- sending ------------------------------------------------------------------------------------

  /** Shows the message at once and sends it, one after the other; returns its `clientId`. */
  send(content, { attachments } = {}) {
    const clientId = newId();
    const draft = { clientId, content, attachments, conversationId: this.conversationId, senderId: this.rt.user.id, createdAt: new Date().toISOString(), state: "sending", error: null };
    this.#drafts.set(clientId, draft);
    this.#post(draft);
    this.#changed();
    return clientId;
  }

  /** Sends a failed message again, as the same message: if it had arrived after all, it is not doubled. */
  retry(clientId) {
    const draft = this.#drafts.get(clientId);
    if (draft?.state !== "failed") return;
    Object.assign(draft, { state: "sending", error: null });
    this.#post(draft);
    this.#changed();
  }

  discard(clientId) {
    if (this.#drafts.get(clientId)?.state === "failed" && this.#drafts.delete(clientId)) this.#changed();
  }

  #post(draft) {
    this.#sending = this.#sending.then(() => this.#try(draft, TRIES));
  }

  async #try(draft, tries) {
    const { conversationId, content, clientId, attachments } = draft;
    try {
      const { message } = await this.rt.request("/messages", { body: { conversationId, content, clientId, ...(attachments && { attachments }) } });
      this.#put([message]);
    } catch (error) {
      if (error.type === "RateLimited" && tries) return pause(error.retryAfter ?? 1).then(() => this.#try(draft, tries - 1));
      Object.assign(draft, { state: "failed", error });
      this.#changed();
    }
  }

  /** Tries again what failed for want of a connection. */
  #retryAll() {
    for (const { clientId, error } of this.#drafts.values()) if (error?.retryable) this.retry(clientId);
  }

  // --- what comes ---------------------------------------------------------------------------------

  #arrived(message) {
    if (this.#messages.has(message.id)) return;
    const newest = this.#sorted().at(-1)?.seq;
    this.#put([message]);
    if (newest !== undefined && message.seq > newest + 1) this.#fetch(() => this.#after(newest)).catch(() => {});
  }

  #put(messages) {
    for (const message of messages) {
      const known = this.#messages.get(message.id);
      if (known && (known.revision > message.revision || (known.deletedAt && !message.deletedAt))) continue;
      this.#messages.set(message.id, message);
      if (message.senderId === this.rt.user.id) this.#drafts.delete(message.clientId);
    }
    this.#changed();
  }

  #amend(id, change) {
    const known = this.#messages.get(id);
    if (!known) return;
    this.#messages.set(id, { ...known, ...change });
    this.#changed();
  }

  #read(userId, upToSeq) {
    this.#receipts[userId] = Math.max(upToSeq, this.#receipts[userId] ?? 0);
    this.#changed();
  }

  /** Part of what happened is gone from the stream: the history has it. */
  #lost(reason) {
    if (reason === "user") {
      this.#messages.clear();
      this.#drafts.clear();
    }
    this.#fetch(() => this.#again()).catch(() => {});
  }

  // --- history ------------------------------------------------------------------------------------

  /** Puts older messages in front. */
  loadEarlier() {
    return this.#fetch(() => this.#page({ beforeSeq: this.#sorted()[0]?.seq }));
  }

  /** Tells that everything up to `seq` (default: the newest) has been read. */
  markRead(seq = this.#sorted().at(-1)?.seq ?? 0) {
    return this.rt.request("/messages/read", { body: { conversationId: this.conversationId, upToSeq: seq } });
  }

  /** One fetch after the other; how it went is in the snapshot. */
  #fetch(work) {
    const fetched = this.#fetching.then(async () => {
      this.#tell({ loading: true, error: null });
      try {
        return await work();
      } catch (error) {
        this.#tell({ error });
        throw error;
      } finally {
        this.#tell({ loading: false });
      }
    });
    this.#fetching = fetched.catch(() => {});
    return fetched;
  }

  #tell(about) {
    Object.assign(this.#about, about);
    this.#changed();
  }

  async #get(query) {
    const given = Object.entries({ conversationId: this.conversationId, limit: this.pageSize, ...query }).filter(([, value]) => value !== undefined);
    const page = await this.rt.request(`/messages?${new URLSearchParams(given)}`, { method: "GET" });
    if (!Array.isArray(page.messages)) throw new NexoraError("BadAnswer", "the history has no messages in it");
    return page;
  }

  async #page(query) {
    const page = await this.#get(query);
    this.#put(page.messages);
    this.#tell({ hasMore: page.hasMore });
    return page;
  }

  /** Fills a hole. */
  async #after(seq) {
    for (let page = { hasMore: true }; page.hasMore; seq = page.messages.at(-1)?.seq) {
      page = await this.#get({ afterSeq: seq });
      this.#put(page.messages);
    }
  }

  /** Fetches what is shown anew, from the newest back: also what was edited or deleted meanwhile. */
  async #again() {
    const oldest = this.#sorted()[0]?.seq ?? Infinity;
    const fetched = [];
    let page = { hasMore: true };
    for (let n = 0; n < MOST_PAGES && page.hasMore && !(fetched[0]?.seq <= oldest); n++) {
      page = await this.#get({ beforeSeq: fetched[0]?.seq });
      fetched.unshift(...page.messages);
      if (oldest === Infinity) break;
    }
    for (const [id, { seq }] of this.#messages) if (seq < (fetched[0]?.seq ?? 0)) this.#messages.delete(id);
    this.#put(fetched);
    this.#tell({ hasMore: page.hasMore });
  }
}
