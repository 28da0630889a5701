// The messages on the page: draws them, keeps the reader's place, moves the focus by keys.

import { byId, element, place } from "./dom.js";
import { DraftRow } from "./draft-row.js";
import { MessageRow } from "./message-row.js";
import { dayOf } from "./text.js";

const GROUP_MS = 5 * 60_000;
const NEAR_BOTTOM_PX = 80;

export class MessageLog {
  messages = [];

  /** `context` is what each row gets; `onBottom()` is called when the newest message can be seen. */
  constructor(context, onBottom) {
    Object.assign(this, { context, onBottom });
    this.rows = new Map();
    this.drafts = new Map();
    this.days = new Map();
    this.talk = byId("talk");
    this.node = byId("messages");
    this.talk.addEventListener("scroll", () => this.onScroll());
    this.node.addEventListener("keydown", (event) => this.onKey(event));
    byId("to-newest").addEventListener("click", () => this.scrollToBottom());
    // The composer grows, the keyboard of a phone comes: who reads the end goes on doing so.
    new ResizeObserver(() => this.readsEnd && this.scrollToBottom()).observe(this.talk);
  }

  /** Draws what has changed. Who reads the end stays there; the others keep what they read in its place. */
  draw(all) {
    const stay = this.isAtBottom();
    const [before, below] = [this.messages, this.talk.scrollHeight - this.talk.scrollTop];
    this.messages = all.filter((one) => one.state === "sent");
    const drafts = all.filter((one) => one.state !== "sent");
    place(this.node, [...this.withDays(this.messages), ...this.withDrafts(drafts)]);
    this.forget(this.messages);
    byId("empty").hidden = all.length > 0 || !byId("loading").hidden;
    if (stay) return this.scrollToBottom();
    if (this.messages[0]?.seq < before[0]?.seq) this.talk.scrollTop = this.talk.scrollHeight - below;
    if (this.hasNews(before)) byId("to-newest").hidden = false;
  }

  hasNews(before) {
    const newest = this.messages.at(-1);
    return newest && newest.seq > (before.at(-1)?.seq ?? Infinity) && newest.senderId !== this.context.people.me;
  }

  withDrafts(drafts) {
    const rows = drafts.map((draft) => {
      const row = this.drafts.get(draft.clientId) ?? new DraftRow(draft, this.context);
      return row.message === draft ? row : row.show(draft);
    });
    this.drafts = new Map(rows.map((row) => [row.message.clientId, row]));
    return rows.map(({ node }) => node);
  }

  withDays(messages) {
    const rows = [];
    let last = null;
    for (const message of messages) {
      const sameDay = last && dayOf(last) === dayOf(message);
      const follows = sameDay && last.senderId === message.senderId && new Date(message.createdAt) - new Date(last.createdAt) < GROUP_MS;
      if (!sameDay) rows.push(this.day(dayOf(message)));
      if (last) this.rows.get(last.id).node.toggleAttribute("data-followed", Boolean(follows));
      rows.push(this.row(message).node);
      rows.at(-1).toggleAttribute("data-follows", Boolean(follows));
      last = message;
    }
    if (last) this.rows.get(last.id).node.removeAttribute("data-followed");
    this.rove(messages);
    return rows;
  }

  row(message) {
    const row = this.rows.get(message.id) ?? new MessageRow(message, this.context);
    this.rows.set(message.id, row);
    return row.message === message ? row : row.show(message);
  }

  day(name) {
    if (!this.days.has(name)) this.days.set(name, element("li", { class: "day" }, name));
    return this.days.get(name);
  }

  forget(messages) {
    const shown = new Set(messages.map((message) => message.id));
    for (const id of this.rows.keys()) if (!shown.has(id)) this.rows.delete(id);
  }

  /** Names are known now, or others than before: writes all rows anew. */
  redraw() {
    for (const row of this.rows.values()) row.show(row.message);
  }

  // --- the reader's place ---

  isAtBottom() {
    return this.talk.scrollHeight - this.talk.scrollTop - this.talk.clientHeight < NEAR_BOTTOM_PX;
  }

  onScroll() {
    this.readsEnd = this.isAtBottom();
    if (this.readsEnd) this.reachBottom();
  }

  scrollToBottom() {
    this.talk.scrollTop = this.talk.scrollHeight;
    this.reachBottom();
  }

  reachBottom() {
    byId("to-newest").hidden = true;
    this.onBottom();
  }

  // --- keys: the list is one stop for Tab, arrows move inside it ---

  rove(messages) {
    const stops = [...this.rows.values()].filter((row) => row.node.tabIndex === 0);
    if (stops.length === 1 && messages.includes(stops[0].message) && stops[0].node === document.activeElement) return;
    for (const row of stops) row.node.tabIndex = -1;
    if (messages.length) this.rows.get(messages.at(-1).id).node.tabIndex = 0;
  }

  onKey(event) {
    const row = [...this.rows.values()].find((one) => one.node === event.target);
    if (!row) return;
    if (event.key === "ArrowUp" || event.key === "ArrowDown") this.move(row, event.key === "ArrowUp" ? -1 : 1);
    else if (event.key === "Enter" && !row.message.deletedAt) this.context.onMenu(row);
    else return;
    event.preventDefault();
  }

  move(row, step) {
    const { messages } = this;
    const next = messages[messages.indexOf(row.message) + step];
    if (!next) return;
    row.node.tabIndex = -1;
    const { node } = this.rows.get(next.id);
    node.tabIndex = 0;
    node.focus();
  }
}
