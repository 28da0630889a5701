// <nexora-presence channel="presence-product-7">: who is looking at the same thing.

import { presenceStore } from "../../nexora-stores.js";
import { make, NexoraElement, pageUrl, write } from "./element.js";

/** Attributes: `channel`, `max` (3 avatars), `theme`, `label-*`. Parts: `avatars`, `avatar`, `more`, `count`. */
export class NexoraPresence extends NexoraElement {
  static observedAttributes = ["channel", "max"];
  static texts = { count: { one: "{n} person viewing", other: "{n} people viewing" }, more: "+{n}" };

  static css = `
    :host { display: inline-block; color: var(--_muted); font-size: .875rem }
    div { display: flex; align-items: center; gap: .625rem; min-height: 2rem }
    ul { display: flex }
    li { display: grid; place-items: center; width: 2rem; height: 2rem; border-radius: 50%; border: 2px solid var(--_surface); overflow: hidden; background: light-dark(hsl(var(--hue) 55% 88%), hsl(var(--hue) 32% 30%)); color: light-dark(hsl(var(--hue) 65% 22%), hsl(var(--hue) 60% 90%)); font-weight: 600; font-size: .75rem }
    li + li { margin-inline-start: -.5rem }
    li.more { background: var(--_hover); color: var(--_text) }
    img { width: 100%; height: 100%; object-fit: cover }`;

  constructor() {
    super();
    this.list = make("ul", { role: "list", part: "avatars" });
    this.count = make("span", { part: "count" });
    this.shadowRoot.append(make("div", {}, this.list, this.count));
  }

  start() {
    const channel = this.getAttribute("channel");
    this.store = channel ? presenceStore(this.client, channel) : null;
    return this.store ? [this.store.subscribe(this.redraw)] : [];
  }

  draw() {
    const { members = [], count = 0 } = this.store?.getSnapshot() ?? {};
    const shown = members.slice(0, this.number("max", 3));
    const nodes = shown.map(avatar);
    if (shown.length && count > shown.length) nodes.push(make("li", { class: "more", part: "more" }, this.say("more", { n: count - shown.length })));
    this.list.hidden = !nodes.length;
    this.list.replaceChildren(...nodes);
    write(this.count, count ? this.say("count", { n: count }) : "");
  }
}

/** A picture, or initials on a colour that stays the person's. */
function avatar({ id, name, avatar: picture, image }) {
  const known = String(name ?? id);
  const url = pageUrl(picture ?? image);
  const face = url ? make("img", { src: url, alt: known }) : make("span", { role: "img", "aria-label": known }, initials(known));
  const node = make("li", { part: "avatar", title: known }, face);
  node.style.setProperty("--hue", [...String(id)].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 360, 7));
  return node;
}

const initials = (name) => name.trim().split(/\s+/).slice(0, 2).map(([first]) => first ?? "").join("").toUpperCase();
