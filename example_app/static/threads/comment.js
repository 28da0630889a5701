// One comment.

import { button, colourOf, element } from "../chat/dom.js";
import { Editable } from "./editable.js";
import { ago } from "./feed.js";

const ME = document.getElementById("me").dataset.me;
const MOST = document.getElementById("comment").maxLength;

export class Comment {
  /** `page` has `rt`, `list`, `sync`, and `leads`: whether one may change what others wrote. */
  constructor(key, message, page) {
    Object.assign(this, { key, page, message, problem: "" });
    this.meta = element("p", { class: "comment-meta" });
    this.text = element("div", { class: "comment-text" });
    this.foot = element("div", { class: "comment-foot" });
    const name = this.name;
    const face = element("span", { class: "avatar", "data-colour": colourOf(message.senderId ?? ME), "aria-hidden": "true" }, name[0]);
    this.node = element("li", { class: "comment" }, face, element("div", { class: "comment-body" }, this.meta, this.text, this.foot));
  }

  get isMine() {
    return this.message.state !== "sent" || this.message.senderId === ME;
  }

  get name() {
    const { sender, senderId } = this.message;
    return sender?.name ?? this.page.rt.channel(this.page.channel)?.members.get(senderId)?.info.name ?? "You";
  }

  show(message) {
    this.message = message;
    const { createdAt, editedAt, deletedAt, state } = message;
    const time = element("time", { class: "quiet", datetime: createdAt, title: new Date(createdAt).toLocaleString() }, ago(new Date(createdAt)));
    this.meta.replaceChildren(element("strong", {}, this.name), time, ...(editedAt && !deletedAt ? [element("span", { class: "quiet" }, "edited")] : []));
    this.node.dataset.state = deletedAt ? "deleted" : state;
    if (state === "sent" && !deletedAt) this.showSent();
    else this.showOther();
  }

  showSent() {
    this.editable ??= new Editable(this.text, this.source(), this.page.sync);
    this.editable.refresh();
    const mayChange = this.isMine || this.page.leads;
    if (mayChange && !this.foot.querySelector(".comment-act, .button-danger")) this.offer();
  }

  /** Being sent, not sent, or deleted. */
  showOther() {
    const { deletedAt, content, state, error } = this.message;
    this.editable?.close();
    this.editable = null;
    this.text.replaceChildren(element("p", { class: "brief" }, deletedAt ? "This comment was deleted." : content));
    if (deletedAt) this.foot.replaceChildren();
    else if (state === "sending") this.foot.replaceChildren(element("span", { class: "edit-note", role: "status" }, "Saving"));
    else this.foot.replaceChildren(...this.failure(error));
  }

  failure(error) {
    const { clientId } = this.message;
    const why = error.type === "NetworkError" ? "Not saved yet: waiting for the connection" : `Not saved: ${Object.values(error.fields ?? {})[0] ?? error.message}`;
    return [element("span", { class: "field-error", role: "alert" }, why), button("Try again", () => this.page.list.retry(clientId)), button("Discard", () => this.page.list.discard(clientId))];
  }

  // --- editing and deleting ---

  offer() {
    const about = this.isMine ? "your comment" : `${this.name}'s comment`;
    const attributes = (what) => ({ class: "comment-act", "aria-label": `${what} ${about}` });
    const problem = this.problem ? [element("span", { class: "field-error", role: "alert" }, this.problem)] : [];
    this.foot.replaceChildren(button("Edit", () => this.editable.begin(), attributes("Edit")), button("Delete", () => this.ask(), attributes("Delete")), ...problem);
  }

  ask() {
    const yes = button("Delete", () => this.remove(), { class: "button button-danger" });
    this.foot.replaceChildren(element("span", { class: "quiet" }, "Delete this comment for everybody?"), yes, button("Keep it", () => this.offer()));
    yes.focus();
  }

  async remove() {
    this.node.dataset.state = "sending";
    this.page.sync.set(this, 1);
    try {
      await this.page.rt.request(`/messages/${this.message.id}`, { method: "DELETE" });
    } catch (error) {
      this.problem = `Not deleted: ${error.message}`;
      this.node.dataset.state = "sent";
      this.offer();
    }
    this.page.sync.set(this, 0);
  }

  source() {
    const { rt, channel } = this.page;
    const { id, seq } = this.message;
    const written = ({ content, revision }) => ({ value: content, revision });
    const newest = `/messages?${new URLSearchParams({ conversationId: channel, afterSeq: seq - 1, limit: 1 })}`;
    return {
      label: "Edit comment", most: MOST, isLong: true, isRequired: true,
      now: () => written(this.message),
      save: async (content, expectedRevision) => written((await rt.request(`/messages/${id}`, { method: "PATCH", body: { content, expectedRevision } })).message),
      fetch: async () => written((await rt.request(newest, { method: "GET" })).messages[0]),
      view: (value) => element("p", { class: "brief" }, value),
    };
  }
}
