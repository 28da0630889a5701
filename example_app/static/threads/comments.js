// A thread's comments: one's own are shown at once, everybody's edits and deletions as they come.

import { MessageList } from "/api/realtime/assets/nexora-chat.js";
import { typingStore } from "/api/realtime/assets/nexora-stores.js";
import { byId, fit, place } from "../chat/dom.js";
import { listOf } from "../chat/text.js";
import { isSignedOut } from "../session.js";
import { Comment } from "./comment.js";

export class Comments {
  constructor(rt, channel, { leads, sync }) {
    Object.assign(this, { rt, channel, leads, sync });
    this.rows = new Map();
    this.list = new MessageList(rt, channel);
    this.typing = typingStore(rt, channel);
    this.box = byId("comment");
    this.list.subscribe(() => this.draw());
    this.typing.subscribe(() => this.showTyping());
    this.listen();
  }

  listen() {
    byId("comment-form").addEventListener("submit", (event) => (event.preventDefault(), this.send()));
    byId("earlier").addEventListener("click", () => this.list.loadEarlier());
    this.box.addEventListener("input", () => this.written());
    this.box.addEventListener("keydown", (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && this.send());
    this.fit(); // something may have been written while the page was loading
  }

  async open() {
    await this.list.open().catch((error) => this.rt.connection.emit("error", error)); // draw() says so
    this.draw();
  }

  fit() {
    fit(this.box);
    byId("comment-form").querySelector("button").disabled = !this.box.value.trim();
  }

  written() {
    this.fit();
    this.typing.send(Boolean(this.box.value));
  }

  send() {
    const text = this.box.value.trim();
    if (!text) return;
    this.list.send(text);
    this.box.value = "";
    this.written();
  }

  draw() {
    const { messages, hasMore, loading, error } = this.list.getSnapshot();
    const rows = messages.map((message) => this.row(message));
    const waiting = messages.filter((one) => one.state === "sending" || (one.state === "failed" && one.error.retryable));
    this.sync.set("comments", waiting.length);
    place(byId("comments"), rows.map((row) => row.node));
    this.rows = new Map(rows.map((row) => [row.key, row]));
    byId("loading").hidden = !loading || rows.length > 0;
    byId("earlier").hidden = !hasMore;
    byId("no-comments").hidden = loading || rows.length > 0 || isSignedOut(error);
    byId("no-comments").textContent = error ? `The comments could not be loaded: ${error.message}` : "Nobody has said anything yet. Be the first.";
  }

  /** A draft and the comment that it becomes have one node. */
  row(message) {
    const key = message.clientId ? `${message.senderId}:${message.clientId}` : message.id;
    const row = this.rows.get(key) ?? new Comment(key, message, this);
    row.show(message);
    return row;
  }

  showTyping() {
    const { members } = this.rt.channel(this.channel);
    const names = this.typing.getSnapshot().map((id) => members.get(id)?.info.name ?? "Somebody");
    byId("typing").textContent = names.length ? `${listOf(names)} ${names.length > 1 ? "are" : "is"} typing` : "";
  }
}
