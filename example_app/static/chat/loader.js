// Brings the messages over HTTP: the newest, what was missed, and older ones on the way up.

import * as api from "./api.js";
import { byId } from "./dom.js";
import { isAfter } from "./stream.js";

const PAGE = 50;
const MOST_PAGES = 10;

/**
 * Reads one page at a time, and holds back events meanwhile: a page can be older than an event
 * that comes before it, and would take back what the event told.
 */
export class Loader {
  constructor(conversation) {
    this.conversation = conversation;
    this.turn = Promise.resolve();
    this.held = null;
    this.position = "";
    this.isMissing = true;
    byId("earlier").addEventListener("click", () => this.loadEarlier());
    byId("reload").addEventListener("click", () => this.refresh());
    new IntersectionObserver(([top]) => top.isIntersecting && this.loadEarlier(), { root: byId("talk"), rootMargin: "300px 0px 0px" }).observe(byId("earlier"));
  }

  take(event) {
    if (this.held) this.held.push(event);
    else if (event.name.startsWith("message:")) this.conversation.apply(event);
    else if (this.isOutdated(event)) this.refresh();
  }

  /** Whether something was missed that the page has not been read again for since. */
  isOutdated({ name, data, position }) {
    if (name === "nexora:ping") return this.isMissing;
    const missed = name === "nexora:gap" || (name === "pusher:connection_established" && !data.recovered);
    return missed && (this.isMissing || isAfter(position, this.position));
  }

  refresh() {
    return this.inTurn(() => this.readNewest());
  }

  loadEarlier() {
    if (this.isMissing || this.isLoadingEarlier) return;
    this.isLoadingEarlier = true;
    return this.inTurn(() => this.readEarlier());
  }

  inTurn(read) {
    this.turn = this.turn.then(async () => {
      this.held = [];
      await read();
      const events = this.held;
      this.held = null;
      for (const event of events) this.take(event);
    });
    return this.turn;
  }

  async readNewest() {
    const { id, store, people, receipts, list } = this.conversation;
    try {
      const page = await this.readBackTo(store.oldest?.seq);
      const { participants, receipts: readTo } = await api.details(id);
      people.take(participants);
      if (page.messages.length) store.forgetBefore(page.messages[0].seq);
      page.messages.forEach((message) => store.take(message));
      receipts.takeAll(readTo);
      this.position = page.position;
      this.isMissing = false;
      byId("earlier").hidden = !page.hasMore;
    } catch {
      this.isMissing = true; // said on the page; the next heartbeat or a click tries again
    }
    byId("loading").hidden = true;
    byId("failed").hidden = !this.isMissing;
    list.redraw();
    receipts.show();
  }

  /**
   * The newest messages, back to what is here already: what was edited or deleted meanwhile has to
   * be read again. After a long absence only the end is, and the rest comes on the way up.
   */
  async readBackTo(seq) {
    const { id } = this.conversation;
    const newest = await api.history(id, { limit: PAGE });
    let [page, messages] = [newest, newest.messages];
    for (let n = 1; n < MOST_PAGES && page.hasMore && messages[0].seq > (seq ?? Infinity); n++) {
      page = await api.history(id, { beforeSeq: messages[0].seq, limit: PAGE });
      messages = [...page.messages, ...messages];
    }
    // The first page's position: whatever came after it, the stream tells.
    return { messages, hasMore: page.hasMore, position: newest.position };
  }

  async readEarlier() {
    const { id, store, list } = this.conversation;
    const button = byId("earlier");
    try {
      const page = await api.history(id, { beforeSeq: store.oldest.seq, limit: PAGE });
      page.messages.forEach((message) => store.take(message));
      button.hidden = !page.hasMore;
      button.textContent = "Show earlier messages";
      list.drawEarlier();
    } catch {
      button.textContent = "Not loaded. Try again";
    }
    this.isLoadingEarlier = false;
  }
}
