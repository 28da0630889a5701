// One message on the page.

import { attached } from "./attached.js";
import { colourOf, element } from "./dom.js";
import { listOf, pieces, timeOf } from "./text.js";

/** `people` is told by the details; `onReact(message, key)` and `onMenu(row)` are the page's. */
export class MessageRow {
  constructor(message, context) {
    Object.assign(this, context);
    this.text = element("p", { class: "message-text" });
    this.meta = element("p", { class: "message-meta" });
    this.foot = element("div", { class: "message-foot" });
    this.tools = element("button", { type: "button", class: "message-tools", tabindex: "-1", "aria-haspopup": "true" }, "⋯");
    this.body = element("div", { class: "message-body" }, this.text, this.tools);
    this.files = attached(message.attachments);
    this.node = element("li", { tabindex: "-1" }, this.meta, this.face(message), this.body, this.files, this.foot);
    this.tools.addEventListener("click", () => this.onMenu(this));
    this.show(message);
  }

  get isMine() {
    return this.message.senderId === this.people.me;
  }

  face(message) {
    const face = element("span", { class: "avatar", "aria-hidden": "true", "data-colour": colourOf(message.senderId) });
    face.textContent = this.people.nameOf(message)[0];
    return face;
  }

  show(message) {
    this.message = message;
    const name = this.people.nameOf(message);
    const gone = message.deletedAt !== null;
    this.node.className = `message${this.isMine ? " message-mine" : ""}${gone ? " message-gone" : ""}`;
    this.node.title = new Date(message.createdAt).toLocaleString();
    this.meta.replaceChildren(element("strong", {}, name), ` ${timeOf(message)}`);
    this.text.replaceChildren(...(gone ? ["This message was deleted"] : this.words(message)));
    this.tools.setAttribute("aria-label", `What to do with ${this.isMine ? "your" : `${name}'s`} message`);
    this.text.hidden = !gone && !message.content;
    if (gone) this.files.remove();
    this.tools.hidden = gone;
    this.foot.replaceChildren(...this.reactions(message));
    if (message.editedAt && !gone) this.foot.prepend(element("small", { class: "edited" }, "edited"));
    return this;
  }

  words(message) {
    return pieces(message.content, this.people.logins).map(({ text, login }) => {
      if (!login) return text;
      const isMe = login === this.people.login;
      return element("mark", { class: `mention${isMe ? " mention-me" : ""}` }, text);
    });
  }

  reactions(message) {
    return Object.entries(message.reactions).map(([key, { count, userIds }]) => {
      const names = listOf(userIds.map((id) => this.people.name(id)));
      const mine = userIds.includes(this.people.me);
      const node = element("button", { type: "button", class: "reaction", "aria-pressed": mine, "aria-label": `${key} ${count}, from ${names}`, title: names }, `${key} `);
      node.append(element("span", { class: "reaction-count" }, String(count)));
      node.addEventListener("click", () => this.onReact(this.message, key));
      return node;
    });
  }

  /** Puts an editor in the place of the text. */
  edit(editor) {
    this.editor = editor;
    this.body.hidden = true;
    this.body.after(editor.node);
    editor.open();
  }

  stopEditing() {
    this.editor.node.remove();
    this.editor = null;
    this.body.hidden = false;
    this.node.focus();
  }
}
