// What the elements have in common.

import { NexoraRT } from "../../nexora-rt.js";
import { base, sheet } from "./styles.js";

/**
 * An element with a shadow root. It watches stores while it is in a page, and draws once however much has changed.
 * `client` is the page's (`NexoraRT.default`) unless it is set; `labels` replaces texts: a text with `{n}`, one by
 * plural category (`{one, other}`), or a function.
 */
export class NexoraElement extends HTMLElement {
  static css = "";
  static texts = {};
  #client = null;
  #labels = {};
  #stops = null;
  #isDue = false;

  constructor() {
    super();
    this.attachShadow({ mode: "open" }).adoptedStyleSheets = [base, (this.constructor.sheet ??= sheet(this.constructor.css))];
  }

  get client() {
    return this.#client ?? NexoraRT.default;
  }

  set client(client) {
    this.#client = client;
    this.restart();
  }

  get labels() {
    return this.#labels;
  }

  set labels(labels) {
    this.#labels = labels ?? {};
    this.redraw();
  }

  connectedCallback() {
    // What was set before the element was defined hides the class's setters.
    for (const name of Object.keys(this)) {
      const given = this[name];
      delete this[name];
      this[name] = given;
    }
    this.restart(true);
  }

  disconnectedCallback() {
    this.#stop();
  }

  attributeChangedCallback(name, before, now) {
    if (before !== now) this.restart();
  }

  /** @protected Returns functions that end what it has begun. */
  start() {
    return [];
  }

  /** @protected */
  draw() {}

  restart(force = false) {
    if (!this.#stops && !force) return;
    this.#stop();
    this.#stops = this.start();
    this.redraw();
  }

  #stop() {
    for (const stop of this.#stops ?? []) stop();
    this.#stops = null;
  }

  redraw = () => {
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      if (this.#stops) this.draw();
    });
  };

  /** A number from an attribute; what is none counts as not given. */
  number(name, fallback) {
    const given = this.getAttribute(name);
    const number = given?.trim() ? Number(given) : NaN;
    return number >= 0 ? number : fallback;
  }

  get language() {
    return this.closest("[lang]")?.lang || navigator.language;
  }

  /** A text of this element, with what it speaks of put in. */
  say(name, about = {}) {
    let text = this.#labels[name] ?? this.getAttribute(`label-${name}`) ?? this.constructor.texts[name];
    if (typeof text === "function") return text(about);
    if (typeof text === "object") text = text[new Intl.PluralRules(this.language).select(about.n)] ?? text.other;
    return text.replace(/\{(\w+)\}/g, (whole, key) => about[key] ?? whole);
  }

  tell(type, detail, options) {
    return this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true, ...options }));
  }
}

/** Makes a node; texts among `children` stay texts. */
export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value != null) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** Changes a text only if it is another one: a screen reader reads a live region again at any change. */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function drawing(path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  for (const [name, value] of Object.entries({ viewBox: "0 0 24 24", "aria-hidden": "true" })) svg.setAttribute(name, value);
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

/** The URL if it is a page's address, else null: a notification must not run a script. */
export function pageUrl(text) {
  if (!text) return null;
  try {
    const url = new URL(text, document.baseURI);
    return /^https?:$/.test(url.protocol) ? url.href : null;
  } catch {
    return null; // no URL at all
  }
}

/** A notification's icon: a picture if it is an address, else its text (an emoji). */
export function icon(text) {
  const isAddress = text?.includes("/");
  const src = isAddress ? pageUrl(text) : null;
  const shown = src || isAddress ? "" : (text ?? "");
  return make(src ? "img" : "span", { src, alt: src && "", "aria-hidden": "true", part: "icon", class: "icon" }, shown);
}
