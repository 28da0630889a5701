// The page of one conversation, of whichever kind: puts its parts together.

import * as api from "./api.js";
import { Attachments } from "./attachments.js";
import { Composer } from "./composer.js";
import { byId } from "./dom.js";
import { Editor } from "./editor.js";
import { Loader } from "./loader.js";
import { MessageList } from "./message-list.js";
import { MessageMenu } from "./message-menu.js";
import { MessageStore } from "./message-store.js";
import { Outbox } from "./outbox.js";
import { People } from "./people.js";
import { Receipts } from "./receipts.js";
import { Typing } from "./typing.js";

const PROBLEM_MS = 8_000;

export class Conversation {
  constructor(id, me) {
    this.id = id;
    this.people = new People(me);
    this.store = new MessageStore(me);
    this.receipts = new Receipts(id, this.store, this.people);
    this.typing = new Typing(id, this.people);
    const row = { people: this.people, onReact: (message, key) => this.react(message, key), onMenu: (one) => this.menu.open(one) };
    this.list = new MessageList(this.store, row, () => this.receipts.read());
    this.outbox = new Outbox(id, this.store, this.list);
    this.menu = new MessageMenu(this.people, { onReact: row.onReact, onEdit: (one) => this.edit(one), onDelete: (one) => this.remove(one) });
    const files = new Attachments(id, { onChange: () => this.composer.fit(), onProblem: (text) => this.say(text) });
    this.composer = new Composer(files, { onSubmit: (text, attachments) => this.send(text, attachments), onInput: (text) => this.typing.typed(text), onUp: () => this.editLast() });
    this.loader = new Loader(this);
    document.addEventListener("visibilitychange", () => this.list.isAtBottom() && this.receipts.read());
  }

  // --- what the stream tells ---

  takeState(state) {
    if (state === "live" && this.state !== "live") this.outbox.retry();
    this.state = state;
  }

  take(event) {
    const isOurs = event.channel === this.id;
    if (isOurs && event.name.startsWith("typing:")) this.typing.take(event.name, event.data);
    else if (isOurs && ["nexora:revoked", "pusher:subscription_error"].includes(event.name)) this.composer.close("You no longer take part here");
    else if (isOurs || !event.channel) this.loader.take(event);
  }

  /** An event about the messages; called by the loader, never while it reads a page. */
  apply({ name, data }) {
    const isNews = name === "message:new" && this.store.take(data) && data.senderId !== this.people.me;
    if (name === "message:edit") this.store.take(data);
    else if (name === "message:delete") this.store.remove(data);
    else if (name === "message:reaction") this.store.react(data);
    else if (name === "message:read") this.receipts.take(data);
    if (name === "message:new") this.typing.take("typing:stop", { userId: data.senderId });
    this.draw({ news: isNews });
  }

  draw(how) {
    this.receipts.show();
    this.list.draw(how);
  }

  // --- what the reader does ---

  send(text, attachments) {
    this.typing.sent();
    this.outbox.add(text, attachments);
    this.receipts.show();
  }

  async react(message, key) {
    const before = message.reactions;
    const has = before[key]?.userIds.includes(this.people.me);
    await this.try("Not saved", async () => {
      const { reactions } = await (has ? api.unreact : api.react)(message.id, key);
      // Unless an event has overtaken the answer, and knows more.
      if (this.store.get(message.id)?.reactions === before) this.apply({ name: "message:reaction", data: { id: message.id, reactions } });
    });
  }

  edit(row) {
    if (row.editor) return row.editor.open();
    const done = (message) => {
      if (message) this.store.takeAnswer(message);
      row.stopEditing();
      this.draw();
    };
    row.edit(new Editor(row.message, done));
  }

  editLast() {
    const last = this.store.ordered.findLast((one) => one.senderId === this.people.me && !one.deletedAt);
    if (last) this.edit(this.list.rows.get(last.id));
    return Boolean(last);
  }

  async remove(message) {
    await this.try("Not deleted", async () => {
      this.store.takeAnswer((await api.remove(message.id)).message);
      this.draw();
    });
  }

  async try(failed, what) {
    try {
      await what();
    } catch (error) {
      this.say(`${failed}: ${error.message}`);
    }
  }

  say(problem) {
    byId("problem").textContent = problem;
    byId("problem").hidden = false;
    clearTimeout(this.saying);
    this.saying = setTimeout(() => (byId("problem").hidden = true), PROBLEM_MS);
  }
}
