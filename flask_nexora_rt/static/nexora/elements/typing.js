// <nexora-typing channel="guild-7">: who is typing there.

import { typingStore } from "../../nexora-stores.js";
import { make, NexoraElement, write } from "./element.js";

/**
 * Attributes: `channel`, `theme`, `label-*`. Property `nameOf`: a function from a user id to a name; without it the
 * names are those that presence knows there, else it only says how many. Part: `status`.
 */
export class NexoraTyping extends NexoraElement {
  static observedAttributes = ["channel"];
  static texts = {
    one: "{name} is typing…", two: "{name} and {other} are typing…",
    many: { one: "{n} person is typing…", other: "{n} people are typing…" },
  };

  static css = `
    :host { display: block; min-height: 1.5rem; color: var(--_muted); font-size: .875rem }
    div { display: flex; align-items: center; gap: .5rem }
    i { display: flex; gap: 3px }
    i > b { width: 5px; height: 5px; border-radius: 50%; background: currentColor }
    @media (prefers-reduced-motion: no-preference) { i > b { animation: hop 1s ease-in-out infinite } i > b + b { animation-delay: .15s } i > b + b + b { animation-delay: .3s } }
    @keyframes hop { 30% { translate: 0 -3px; opacity: 1 } 60%, 100% { translate: 0; opacity: .55 } }`;

  #nameOf = null;

  constructor() {
    super();
    this.text = make("span", { role: "status", "aria-live": "polite", part: "status" });
    this.dots = make("i", { "aria-hidden": "true", hidden: "" }, make("b"), make("b"), make("b"));
    this.shadowRoot.append(make("div", {}, this.dots, this.text));
  }

  get nameOf() {
    return this.#nameOf;
  }

  set nameOf(nameOf) {
    this.#nameOf = nameOf;
    this.redraw();
  }

  start() {
    const channel = this.getAttribute("channel");
    this.store = channel ? typingStore(this.client, channel) : null;
    return this.store ? [this.store.subscribe(this.redraw)] : [];
  }

  draw() {
    const users = this.store?.getSnapshot() ?? [];
    this.dots.hidden = !users.length;
    write(this.text, users.length ? this.#describe(users) : "");
  }

  #describe(users) {
    const names = users.map((id) => this.#name(id));
    if (names.length > 2 || names.some((name) => !name)) return this.say("many", { n: users.length });
    return this.say(names.length === 1 ? "one" : "two", { name: names[0], other: names[1] });
  }

  #name(id) {
    return this.#nameOf ? this.#nameOf(id) : this.client.channel(this.getAttribute("channel"))?.members.get(id)?.info?.name;
  }
}
