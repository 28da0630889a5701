// One conversation: history over HTTP, live messages over the stream, and what is being sent from here.

import { Outbox } from "./nexora/chat/outbox.js";
import { NexoraError } from "./nexora-rt.js";

const PAGE = 50;
const MOST_PAGES = 5;
const AGAIN_S = 5;

const pathOf = (id) => `/messages/${encodeURIComponent(id)}`;

/**
 * The messages of a conversation in `seq` order, each once, and behind them the drafts of this page.
 *
 *     const list = new MessageList(rt, "guild-7");
 *     list.subscribe(() => draw(list.getSnapshot()));
 *     await list.open();
 *     list.send("Hello");
 *
 * A snapshot is `{messages, receipts, hasMore, loading, error}`, the same object until something changes. A message
 * has a `state`: "sent", "sending" or "failed" (then with `error`), and is the same object until it changes.
 */
export class MessageList {
  #messages = new Map();
  #outbox;
  #receipts = {};
  #listeners = new Set();
  #snapshot = null;
  #fetching = Promise.resolve();
  #meanwhile = null;
  #wanted = false;
  #isEarly = false;
  #about = { hasMore: false, loading: false, error: null };

  constructor(rt, conversationId, { pageSize = PAGE } = {}) {
    Object.assign(this, { rt, conversationId, pageSize, turn: 0 });
    const follow = (act) => (data) => {
      // A page that is being fetched may be older than this, and would take it back.
      this.#meanwhile?.push(() => act(data));
      act(data);
    };
    this.handlers = {
      "message:new": follow((message) => this.#arrived(message)),
      "message:edit": follow((message) => this.#put([message])),
      "message:delete": follow(({ id, ...gone }) => this.#amend(id, { ...gone, content: "", attachments: [], reactions: {} })),
      "message:reaction": follow(({ id, reactions }) => this.#amend(id, { reactions })),
      "message:read": follow(({ userId, upToSeq }) => this.#read(userId, upToSeq)),
      "nexora:gap": ({ reason }) => this.#lost(reason),
      "pusher:subscription_succeeded": () => this.#isEarly && this.#mend(() => this.#renew()),
    };
    this.#outbox = new Outbox(this, () => this.#changed(), (message) => this.#answered(message));
    this.onState = ({ current }) => current === "connected" && this.#outbox.retryAll();
  }

  /**
   * Fetches the newest page and goes on from there. Rejects with a NexoraError; if that may pass, it is tried again by
   * itself, and may be called again.
   */
  async open() {
    this.#wanted = true;
    clearTimeout(this.again);
    // Somebody else holds the channel: it cannot begin where the history ends.
    if (this.rt.channel(this.conversationId) && !this.channel) this.#listen();
    const page = await this.#fetch(() => this.#renew()).catch((error) => this.#later(error, () => this.open()));
    if (this.channel || !this.#wanted) return;
    const taken = this.rt.channel(this.conversationId);
    this.#listen(page.position);
    // Meanwhile somebody else has it, from another position.
    if (taken?.subscribed) this.#mend(() => this.#renew());
    else if (taken) this.#isEarly = true;
  }

  close() {
    this.#wanted = false;
    clearTimeout(this.again);
    if (!this.channel) return;
    for (const [event, handler] of Object.entries(this.handlers)) this.channel.unbind(event, handler);
    this.rt.connection.unbind("state_change", this.onState);
    this.rt.unsubscribe(this.conversationId);
    this.channel = null;
  }

  #later(error, work) {
    if (error.retryable && this.#wanted) this.again = setTimeout(() => this.#wanted && work().catch(() => {}), (error.retryAfter ?? AGAIN_S) * 1000);
    throw error;
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
    messages: [...this.#sorted(), ...this.#outbox.drafts],
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

  /**
   * Shows the message at once and sends it, one after the other; returns its `clientId`. `attachments`: as their
   * upload was answered, or just their ids.
   */
  send(content, { attachments } = {}) {
    return this.#outbox.add(content, attachments);
  }

  /**
   * Sends a failed message again, as the same message: if it had arrived after all, it is not doubled. Those that have
   * failed with it go along.
   */
  retry(clientId) {
    this.#outbox.retry(clientId);
  }

  discard(clientId) {
    this.#outbox.discard(clientId);
  }

  // --- changing -----------------------------------------------------------------------------------

  /** Gives it another text. With the `revision` that was edited, rejects with a Conflict if it is another by now. */
  edit(id, content, revision) {
    return this.#change(id, { method: "PATCH", body: { content, expectedRevision: revision } });
  }

  remove(id) {
    return this.#change(id, { method: "DELETE" });
  }

  async #change(id, options) {
    const { message } = await this.rt.request(pathOf(id), options);
    this.#answered(message);
    return message;
  }

  /** Adds one's reaction, or takes it back. */
  async react(id, key, isOn = true) {
    const before = this.#messages.get(id)?.reactions;
    const { reactions } = await this.rt.request(`${pathOf(id)}/reactions/${encodeURIComponent(key)}`, { method: isOn ? "PUT" : "DELETE" });
    // An event that has overtaken the answer knows more.
    if (this.#messages.get(id)?.reactions === before) this.#amend(id, { reactions });
  }

  /** Fetches one message anew: after a Conflict, what it says now. */
  async reload(id) {
    const { messages: [message] } = await this.#get({ afterSeq: this.#messages.get(id).seq - 1, limit: 1 });
    this.#put([message]);
    return message;
  }

  // --- what comes ---------------------------------------------------------------------------------

  #arrived(message) {
    if (this.#messages.has(message.id)) return;
    const newest = this.#sorted().at(-1)?.seq;
    this.#put([message]);
    if (newest !== undefined && message.seq > newest + 1) this.#mend(() => this.#after(newest));
  }

  #put(messages) {
    for (const message of messages) {
      const known = this.#messages.get(message.id);
      if (known && (known.revision > message.revision || (known.deletedAt && !message.deletedAt))) continue;
      this.#messages.set(message.id, { ...message, state: "sent" });
      if (message.senderId === this.rt.user.id) this.#outbox.sent(message.clientId);
    }
    this.#changed();
  }

  /** An answer can be older than an event that overtook it: it counts when it says something new. */
  #answered(message) {
    const known = this.#messages.get(message.id);
    if (!known || message.deletedAt || message.revision > known.revision) this.#put([message]);
    else this.#changed();
  }

  #amend(id, change) {
    const known = this.#messages.get(id);
    if (!known || (known.deletedAt && !change.deletedAt)) return;
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
      this.turn += 1;
      this.#meanwhile &&= [];
      this.#messages.clear();
      this.#outbox.clear();
      this.#receipts = {};
    }
    this.#mend(() => this.#renew());
  }

  // --- history ------------------------------------------------------------------------------------

  /** Puts older messages in front. */
  loadEarlier() {
    return this.#fetch(async () => {
      const { messages, hasMore } = await this.#get({ beforeSeq: this.#sorted()[0]?.seq });
      this.#put(messages);
      this.#tell({ hasMore });
    });
  }

  /** Tells that everything up to `seq` (default: the newest) has been read. */
  markRead(seq = this.#sorted().at(-1)?.seq ?? 0) {
    return this.rt.request("/messages/read", { body: { conversationId: this.conversationId, upToSeq: seq } });
  }

  /** Fetches what is missing, until it is there. */
  #mend(work) {
    const mend = () => this.#fetch(work).catch((error) => this.#later(error, mend));
    mend().catch(() => {});
  }

  /** One fetch after the other; how it went is in the snapshot. */
  #fetch(work) {
    const fetched = this.#fetching.then(async () => {
      this.#meanwhile = [];
      this.#tell({ loading: true, error: null });
      try {
        return await work();
      } catch (error) {
        this.#tell({ error });
        throw error;
      } finally {
        const late = this.#meanwhile;
        this.#meanwhile = null;
        for (const act of late) act();
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
    const { turn } = this;
    const page = await this.rt.request(`/messages?${new URLSearchParams(given)}`, { method: "GET" });
    if (turn !== this.turn) throw new NexoraError("AuthError", "somebody else has signed in");
    if (!Array.isArray(page.messages)) throw new NexoraError("BadAnswer", "the history has no messages in it");
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
  async #renew() {
    const oldest = this.#sorted()[0]?.seq ?? Infinity;
    // What comes between this page and the channel's begin is in neither.
    this.#isEarly = this.channel?.subscribed === false;
    const newest = await this.#get();
    const fetched = [...newest.messages];
    let page = newest;
    for (let n = 1; n < MOST_PAGES && page.hasMore && fetched[0].seq > oldest; n++) {
      page = await this.#get({ beforeSeq: fetched[0].seq });
      fetched.unshift(...page.messages);
    }
    for (const [id, { seq }] of this.#messages) if (seq < (fetched[0]?.seq ?? 0)) this.#messages.delete(id);
    this.#put(fetched);
    this.#tell({ hasMore: page.hasMore });
    return newest;
  }
}
