// The page of one conversation, of whichever kind: puts its parts together.

import { MessageList } from "/api/realtime/assets/nexora-chat.js";
import { notificationStore, typingStore } from "/api/realtime/assets/nexora-stores.js";
import { isSignedOut } from "../session.js";
import * as api from "./api.js";
import { Attachments } from "./attachments.js";
import { Composer } from "./composer.js";
import { byId } from "./dom.js";
import { Editor } from "./editor.js";
import { MessageLog } from "./message-log.js";
import { MessageMenu } from "./message-menu.js";
import { People } from "./people.js";
import { Receipts } from "./receipts.js";

const PROBLEM_MS = 8_000;

export class Conversation {
  constructor(rt, id, me) {
    Object.assign(this, { rt, id });
    this.list = new MessageList(rt, id);
    this.people = new People(me);
    this.receipts = new Receipts(this.list, this.people);
    this.typing = typingStore(rt, id);
    this.log = new MessageLog(this.rowActions(), () => this.receipts.read());
    this.menu = new MessageMenu(this.people, { onReact: (one, key) => this.react(one, key), onEdit: (row) => this.edit(row), onDelete: (one) => this.remove(one) });
    const files = new Attachments(id, { onChange: () => this.composer.fit(), onProblem: (text) => this.say(text) });
    this.composer = new Composer(files, { onSubmit: (text, attachments) => this.send(text, attachments), onInput: (text) => this.typing.send(Boolean(text)), onUp: () => this.editLast() });
  }

  rowActions() {
    return {
      people: this.people, onReact: (message, key) => this.react(message, key), onMenu: (row) => this.menu.open(row),
      onRetry: (clientId) => this.list.retry(clientId), onDiscard: (clientId) => this.list.discard(clientId),
    };
  }

  open() {
    const closed = ({ status }) => this.composer.close(status === 401 ? "You are signed out" : "You no longer take part here");
    const people = () => this.try("Not told who is here", () => this.meet());
    this.rt.subscribe(this.id).bind("nexora:revoked", closed).bind("pusher:subscription_error", closed).bind("nexora:gap", people);
    this.list.subscribe(() => this.draw());
    byId("reload").addEventListener("click", () => this.load());
    byId("earlier").addEventListener("click", () => this.loadEarlier());
    new IntersectionObserver(([top]) => top.isIntersecting && this.loadEarlier(), { root: byId("talk"), rootMargin: "300px 0px 0px" }).observe(byId("earlier"));
    document.addEventListener("visibilitychange", () => this.log.isAtBottom() && this.receipts.read());
    document.addEventListener("nexora-toast", (event) => this.skipToast(event));
    this.load();
    people();
  }

  // --- what comes ---

  /** A failure is in the snapshot; if it may pass, the list tries again by itself. */
  load() {
    this.list.open().catch(() => {});
  }

  loadEarlier() {
    const { hasMore, loading } = this.list.getSnapshot();
    if (hasMore && !loading) this.list.loadEarlier().catch(() => {});
  }

  async meet() {
    const { participants, receipts } = await api.details(this.id);
    this.people.take(participants);
    this.receipts.takeAll(receipts);
    this.log.redraw();
  }

  draw() {
    const { messages, receipts, hasMore, loading, error } = this.list.getSnapshot();
    const isThere = messages.length > 0 || !loading;
    if (isThere) byId("loading").hidden = true;
    byId("failed").hidden = !error || isSignedOut(error);
    byId("earlier").hidden = !hasMore;
    this.log.draw(messages);
    if (error) byId("empty").hidden = true; // not known
    this.receipts.takeAll(receipts);
  }

  /** What is said here is seen here. */
  skipToast(event) {
    const { id, data } = event.detail.notification;
    if (data?.conversationId !== this.id || document.visibilityState !== "visible") return;
    event.preventDefault();
    notificationStore(this.rt).markRead(id).catch(() => {}); // it stays in the bell
  }

  // --- what the reader does ---

  send(text, attachments) {
    this.list.send(text, { attachments });
    this.log.scrollToBottom();
  }

  react(message, key) {
    const has = message.reactions[key]?.userIds.includes(this.people.me);
    return this.try("Not saved", () => this.list.react(message.id, key, !has));
  }

  edit(row) {
    if (row.editor) row.editor.open();
    else row.edit(new Editor(this.list, row.message, () => row.stopEditing()));
  }

  editLast() {
    const last = this.log.messages.findLast((one) => one.senderId === this.people.me && !one.deletedAt);
    if (last) this.edit(this.log.rows.get(last.id));
    return Boolean(last);
  }

  remove(message) {
    return this.try("Not deleted", () => this.list.remove(message.id));
  }

  async try(failed, what) {
    try {
      await what();
    } catch (error) {
      this.say(`${failed}: ${api.problemOf(error)}`);
    }
  }

  say(problem) {
    byId("problem").textContent = problem;
    byId("problem").hidden = false;
    clearTimeout(this.saying);
    this.saying = setTimeout(() => (byId("problem").hidden = true), PROBLEM_MS);
  }
}
