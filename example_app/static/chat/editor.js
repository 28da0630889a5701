// Editing a message in its place, and what happens when somebody else was faster.

import { problemOf } from "./api.js";
import { button, element, fit, isSubmit } from "./dom.js";

export class Editor {
  /** `onDone()`: saved in `list`, or given up. */
  constructor(list, message, onDone) {
    Object.assign(this, { list, message, onDone });
    this.revision = message.revision;
    this.box = element("textarea", { "aria-label": "Edit message", rows: "1", maxlength: document.getElementById("content").maxLength });
    this.box.value = message.content;
    this.problem = element("div", { class: "editor-problem", role: "alert" });
    this.buttons = element("div", { class: "editor-buttons" });
    this.node = element("form", { class: "editor" }, this.box, this.problem, this.buttons);
    this.node.addEventListener("submit", (event) => this.save(event));
    this.node.addEventListener("keydown", (event) => this.onKey(event));
    this.box.addEventListener("input", () => fit(this.box));
    this.offer("Save", "Cancel", () => this.onDone());
  }

  open() {
    fit(this.box);
    this.box.focus();
    this.box.setSelectionRange(this.box.value.length, this.box.value.length);
  }

  onKey(event) {
    if (event.key === "Escape") this.onDone();
    else if (event.target === this.box && isSubmit(event)) this.save(event);
  }

  offer(saveText, otherText, onOther) {
    const save = element("button", { class: "button button-small" }, saveText);
    this.buttons.replaceChildren(button(otherText, onOther), save);
  }

  async save(event) {
    event.preventDefault();
    try {
      await this.list.edit(this.message.id, this.box.value, this.revision);
      this.onDone();
    } catch (error) {
      if (error.type === "Conflict") await this.showConflict();
      else this.say(`Not saved: ${problemOf(error)}`);
    }
  }

  /** Somebody changed it since: shows to what, and lets the writer decide. */
  async showConflict() {
    try {
      const now = await this.list.reload(this.message.id);
      if (now.deletedAt) return this.onDone();
      this.revision = now.revision;
      this.say("It has been changed meanwhile. It now says:", element("blockquote", {}, now.content));
      this.offer("Save mine instead", "Keep that", () => this.onDone());
    } catch (error) {
      this.say(`Not saved: ${problemOf(error)}`);
    }
  }

  say(...content) {
    this.problem.replaceChildren(...content);
  }
}
