// The box that messages are written in.

import { byId, fit, isSubmit } from "./dom.js";

export class Composer {
  /** `onInput(text)` at each change; `onUp()` for the arrow key in an empty box. */
  constructor(attachments, { onSubmit, onInput, onUp }) {
    Object.assign(this, { attachments, onSubmit, onInput, onUp });
    this.box = byId("content");
    byId("composer").addEventListener("submit", (event) => this.submit(event));
    this.box.addEventListener("input", () => this.changed());
    this.box.addEventListener("keydown", (event) => this.onKey(event));
    this.fit();
  }

  onKey(event) {
    if (isSubmit(event)) this.submit(event);
    else if (event.key === "ArrowUp" && !this.box.value && this.onUp()) event.preventDefault();
  }

  changed() {
    this.fit();
    this.onInput(this.box.value);
  }

  submit(event) {
    event.preventDefault();
    if (!this.isReady) return;
    this.onSubmit(this.box.value.trim(), this.attachments.take());
    this.box.value = "";
    this.fit();
    this.box.focus();
  }

  /** Whether there is something to send: text or files, and no file is still on its way. */
  get isReady() {
    return !this.box.disabled && !this.attachments.isBusy && Boolean(this.box.value.trim() || !this.attachments.isEmpty);
  }

  fit() {
    byId("send").disabled = !this.isReady;
    fit(this.box);
  }

  close(reason) {
    this.box.disabled = true;
    this.box.placeholder = reason;
    this.attachments.close();
    byId("send").disabled = true;
  }
}
