// The files that go into the next message: chosen, dropped or pasted, and uploaded at once.

import * as api from "./api.js";
import { button, byId, element } from "./dom.js";
import { sizeOf } from "./text.js";

export class Attachments {
  /** `onChange()` when there are others, or one is there; `onProblem(text)`. */
  constructor(conversationId, { onChange, onProblem }) {
    Object.assign(this, { conversationId, onChange, onProblem });
    this.chosen = new Set();
    this.input = byId("files");
    byId("attach").addEventListener("click", () => this.input.click());
    this.input.addEventListener("change", () => this.addFromInput());
    const room = byId("main");
    room.addEventListener("dragover", (event) => event.preventDefault());
    room.addEventListener("drop", (event) => this.addFrom(event, event.dataTransfer));
    byId("content").addEventListener("paste", (event) => this.addFrom(event, event.clipboardData));
  }

  get isBusy() {
    return [...this.chosen].some((one) => !one.attachment);
  }

  get isEmpty() {
    return this.chosen.size === 0;
  }

  addFromInput() {
    this.add([...this.input.files]);
    this.input.value = ""; // the same file may be chosen again
  }

  addFrom(event, data) {
    if (!data?.files.length || this.isClosed) return;
    event.preventDefault();
    this.add([...data.files]);
  }

  add(files) {
    const { most, mostBytes } = this.input.dataset;
    for (const file of files) {
      if (this.chosen.size >= Number(most)) return this.onProblem(`At most ${most} files go into one message.`);
      if (file.size > Number(mostBytes)) this.onProblem(`${file.name} is larger than ${sizeOf(Number(mostBytes))}.`);
      else this.upload(file);
    }
  }

  async upload(file) {
    const one = this.show(file);
    const { done, abort } = api.upload(this.conversationId, file, (share) => (one.bar.value = share));
    one.abort = abort;
    try {
      one.attachment = (await done).attachment;
      one.bar.remove();
    } catch (error) {
      this.drop(one);
      if (!one.isDropped) this.onProblem(`${file.name} was not uploaded: ${api.problemOf(error)}`);
    }
    this.onChange();
  }

  show(file) {
    const one = { bar: element("progress", { max: "1", value: "0", "aria-label": `Uploading ${file.name}` }) };
    const remove = button("×", () => this.remove(one), { class: "button-plain", "aria-label": `Remove ${file.name}` });
    one.node = element("li", { class: "chosen-file" }, element("span", { class: "chosen-name" }, file.name), one.bar, remove);
    this.chosen.add(one);
    byId("chosen").append(one.node);
    this.onChange();
    return one;
  }

  /** What has been uploaded and is not sent is erased by the server, some day. */
  remove(one) {
    one.isDropped = true;
    one.abort();
    this.drop(one);
    this.onChange();
    byId("content").focus();
  }

  drop(one) {
    this.chosen.delete(one);
    one.node.remove();
  }

  /** Gives them to a message; the next one starts without. */
  take() {
    const taken = [...this.chosen].map((one) => one.attachment);
    for (const one of this.chosen) this.drop(one);
    return taken;
  }

  close() {
    this.isClosed = byId("attach").disabled = true;
  }
}
