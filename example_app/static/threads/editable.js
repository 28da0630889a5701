// A text that several people may edit: shown as one wants it at once, and settled when others were faster.

import { button, element, fit } from "../chat/dom.js";

const NOTES = { saving: "Saving", waiting: "Not saved yet: waiting for the connection" };

/**
 * Draws a text into `node`, with an editor when it is asked to `begin()`.
 *
 * `source` knows the text: `now()` gives `{value, revision, by}` as it was told last, `save(value, revision)` and
 * `fetch()` give a promise of the same. `save` is refused with a `Conflict` when `revision` is not the newest.
 * `view(value)` makes the node that shows it, and `heading()` what readers need while that is not there. `label` and
 * `most` are the editor's; `isLong` makes it a textarea, and what `isRequired` cannot be left empty.
 */
export class Editable {
  #known = null; // what the server has answered, which may be ahead of what was told
  #base = null;

  constructor(node, source, sync) {
    Object.assign(this, { node, source, sync, state: "shown", draft: "", problem: "" });
    sync.onBack(() => this.state === "waiting" && this.#save());
    this.draw();
  }

  get now() {
    const told = this.source.now();
    return this.#known && this.#known.revision > told.revision ? this.#known : told;
  }

  /** Something was told: what is being written stays as it is. */
  refresh() {
    if (["shown", "conflict"].includes(this.state) && this.now.value !== this.drawn) this.draw();
  }

  /** There is nothing to edit any more: an answer that is on its way draws nothing. */
  close() {
    this.isClosed = true;
    this.sync.set(this, 0);
  }

  begin() {
    this.#base = this.now;
    this.draft = this.#base.value;
    this.#turn("editing");
    fit(this.box);
    this.box.focus();
  }

  submit() {
    this.draft = this.box.value = this.box.value.trim();
    if (!this.box.reportValidity()) return;
    if (this.draft === this.#base.value) this.#turn("shown");
    else this.#save();
  }

  async #save() {
    this.#turn("saving");
    try {
      this.#known = await this.source.save(this.draft, this.#base.revision);
      this.#turn("shown");
    } catch (error) {
      if (error.type === "Conflict") await this.#compare();
      else this.#fail(error);
    }
  }

  /** Somebody was faster. If with another part of the same row, nobody needs to be asked. */
  async #compare() {
    const before = this.#base.value;
    try {
      this.#known = await this.source.fetch();
    } catch (error) {
      return this.#fail(error);
    }
    this.#base = this.now;
    if (this.now.value === this.draft) this.#turn("shown");
    else if (this.now.value === before) await this.#save();
    else this.#turn("conflict");
  }

  #fail(error) {
    this.problem = `Not saved: ${error.message}`;
    this.#turn(error.type === "NetworkError" ? "waiting" : "failed");
  }

  #keepMine() {
    this.#base = this.now;
    this.#save();
  }

  #turn(state) {
    const hadFocus = this.node.contains(document.activeElement);
    this.state = state;
    if (this.isClosed) return;
    this.sync.set(this, ["saving", "waiting"].includes(state) ? 1 : 0);
    this.draw();
    if (hadFocus && state !== "editing") this.node.querySelector("button")?.focus();
  }

  draw() {
    this.drawn = this.now.value;
    this.node.dataset.state = this.state;
    const isHidden = ["editing", "conflict"].includes(this.state);
    this.node.replaceChildren(...(isHidden ? this.source.heading?.() ?? [] : []), ...this[`_${this.state}`]());
  }

  // --- how each state looks ---

  _shown() {
    return [this.source.view(this.now.value, () => this.begin())];
  }

  _saving() {
    return [this.source.view(this.draft), element("p", { class: "edit-note", role: "status" }, NOTES[this.state])];
  }

  _waiting() {
    return this._saving();
  }

  _failed() {
    const choices = element("div", { class: "buttons" }, button("Try again", () => this.#save()), button("Discard", () => this.#turn("shown")));
    return [this.source.view(this.draft), element("p", { class: "field-error", role: "alert" }, this.problem), choices];
  }

  _editing() {
    const { label, most, isLong, isRequired } = this.source;
    this.box = element(isLong ? "textarea" : "input", { "aria-label": label, maxlength: most, ...(isLong ? { rows: "2" } : {}) });
    this.box.value = this.draft;
    this.box.required = Boolean(isRequired);
    if (isLong) this.box.addEventListener("input", () => fit(this.box));
    const save = element("button", { class: "button button-small" }, "Save");
    const form = element("form", { class: "edit-form" }, this.box, element("div", { class: "buttons" }, save, button("Cancel", () => this.#turn("shown"))));
    form.addEventListener("submit", (event) => (event.preventDefault(), this.submit()));
    form.addEventListener("keydown", (event) => event.key === "Escape" && this.#turn("shown"));
    return [form];
  }

  _conflict() {
    const version = (title, text) => element("div", { class: "conflict-side" }, element("p", { class: "label" }, title), element("p", { class: "brief" }, text || "(empty)"));
    const mine = button("Keep mine", () => this.#keepMine(), { class: "button button-small" });
    const theirs = button("Take theirs", () => this.#turn("shown"));
    const sides = element("div", { class: "conflict-sides" }, version("Theirs", this.now.value), version("Yours", this.draft));
    const said = `${this.now.by ?? "Somebody"} has changed this while you were writing.`;
    return [element("div", { class: "conflict", role: "alert" }, element("p", {}, said), sides, element("div", { class: "buttons" }, mine, theirs))];
  }
}
