// Editing a message in its place, and what happens when somebody else was faster.

import * as api from "./api.js";
import { button, element, fit, isSubmit } from "./dom.js";

export class Editor {
  /** `onDone(message or null)`: saved, or given up; the message as the server has it. */
  constructor(message, onDone) {
    Object.assign(this, { message, onDone });
    this.revision = message.revision;
    this.box = element("textarea", { "aria-label": "Edit message", rows: "1", maxlength: document.getElementById("content").maxLength });
    this.box.value = message.content;
    this.problem = element("div", { class: "editor-problem", role: "alert" });
    this.buttons = element("div", { class: "editor-buttons" });
    this.node = element("form", { class: "editor" }, this.box, this.problem, this.buttons);
    this.node.addEventListener("submit", (event) => this.save(event));
    this.node.addEventListener("keydown", (event) => this.onKey(event));
    this.box.addEventListener("input", () => fit(this.box));
    this.offer("Save", "Cancel", () => this.onDone(null));
  }

  open() {
    fit(this.box);
    this.box.focus();
    this.box.setSelectionRange(this.box.value.length, this.box.value.length);
  }

  onKey(event) {
    if (event.key === "Escape") this.onDone(null);
    else if (event.target === this.box && isSubmit(event)) this.save(event);
  }

  offer(saveText, otherText, onOther) {
    const save = element("button", { class: "button button-small" }, saveText);
    this.buttons.replaceChildren(button(otherText, onOther), save);
  }

  async save(event) {
    event.preventDefault();
    try {
      const { message } = await api.edit(this.message.id, this.box.value, this.revision);
      this.onDone(message);
    } catch (error) {
      if (error.status === 409) await this.showConflict(error);
      else this.say(`Not saved: ${error.fields.content ?? error.message}`);
    }
  }

  /** Somebody changed it since: shows to what, and lets the writer decide. */
  async showConflict(error) {
    const now = await api.current(this.message).catch(() => null);
    if (!now) return this.say(`Not saved: ${error.message}`);
    if (now.deletedAt) return this.onDone(now);
    this.revision = now.revision;
    this.say("It has been changed meanwhile. It now says:", element("blockquote", {}, now.content));
    this.offer("Save mine instead", "Keep that", () => this.onDone(now));
  }

  say(...content) {
    this.problem.replaceChildren(...content);
  }
}
