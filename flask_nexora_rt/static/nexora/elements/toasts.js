// <nexora-toasts>: shows notifications for a while as they come. Each of them is in the bell as well.

import { notificationStore } from "../../nexora-stores.js";
import { drawing, icon, make, NexoraElement, pageUrl } from "./element.js";
import { TOASTS_CSS } from "./toasts-css.js";
import { Timer } from "./timer.js";

const CROSS = "M7 7l10 10M17 7L7 17";
const SPOKEN_MS = 5_000;
const ENTER_MS = 200;
const LEAVE_MS = 300;

/**
 * Attributes: `max-toasts` (3), `duration` (5000 ms, twice as long for errors; 0: until closed), `hotkey` (F8),
 * `position` (top-right, top-left, bottom-right, bottom-left), `theme`, `label-*`. Methods: `show(notification)`,
 * `dismiss(id)`. Events: `nexora-toast` (`detail.notification` has come; `preventDefault()` shows no toast),
 * `nexora-notification-click`, as the bell's, and `nexora-toast-close` (`detail.id`).
 */
export class NexoraToasts extends NexoraElement {
  static observedAttributes = ["hotkey"];
  static css = TOASTS_CSS;
  static texts = { region: "New notifications ({hotkey})", close: "Close: {title}" };

  #toasts = new Map();
  #waiting = [];
  #isHovered = false;

  constructor() {
    super();
    // They are there before there is anything to say: a region that comes with its text is not read.
    this.polite = make("div", { role: "status", "aria-live": "polite", "aria-atomic": "false", class: "quiet" });
    this.assertive = make("div", { role: "alert", "aria-atomic": "false", class: "quiet" });
    this.stack = make("ol", { role: "list", part: "stack" });
    this.region = make("section", { part: "region", tabindex: "-1" }, this.stack);
    this.shadowRoot.append(this.polite, this.assertive, this.region);
    for (const type of ["pointerenter", "pointerleave"]) this.region.addEventListener(type, () => {
      this.#isHovered = type === "pointerenter";
      this.#settle();
    });
    for (const type of ["focusin", "focusout"]) this.region.addEventListener(type, () => queueMicrotask(() => this.#settle()));
    this.region.addEventListener("keydown", (event) => event.key === "Escape" && this.#escape(event));
  }

  start() {
    const hotkey = this.#hotkey;
    this.region.setAttribute("aria-label", this.say("region", { hotkey }).replace(" ()", ""));
    const store = notificationStore(this.client);
    const settle = () => this.#settle();
    const key = (event) => event.key === hotkey && !event.defaultPrevented && this.#enter(event);
    const bound = [[window, "blur", settle], [window, "focus", settle], [document, "visibilitychange", settle], [document, "keydown", key]];
    for (const [target, type, handler] of bound) target.addEventListener(type, handler);
    this.store = store;
    return [
      store.subscribe(() => this.#follow(store.getSnapshot())), store.watchArrivals((one) => this.#arrived(one)),
      () => bound.forEach(([target, type, handler]) => target.removeEventListener(type, handler)), () => this.#forget(),
    ];
  }

  get #hotkey() {
    return this.getAttribute("hotkey") ?? "F8";
  }

  /** The page may know better: it shows already what a notification is about. */
  #arrived(notification) {
    if (this.tell("nexora-toast", { notification }, { cancelable: true })) this.show(notification);
  }

  // --- what is shown ------------------------------------------------------------------------------

  /** Shows `{title, message, level, icon, url}`; the same `id` again takes the place of the first. Returns the id. */
  show({ id = String(Math.random()), ...about }) {
    const notification = { ...about, id };
    this.#waiting = [...this.#waiting.filter((one) => one.id !== id), notification].slice(-this.#max);
    this.#settle();
    return id;
  }

  dismiss(id) {
    this.#waiting = this.#waiting.filter((one) => one.id !== id);
    const toast = this.#toasts.get(id);
    if (toast) this.#leave(id, toast);
  }

  get #max() {
    return Math.max(1, this.number("max-toasts", 3));
  }

  /** Nobody is pushed away under somebody's eyes: while it is paused, what comes waits. */
  get #isPaused() {
    return this.#isHovered || this.#hasFocus || !document.hasFocus() || document.hidden;
  }

  get #hasFocus() {
    return this.region.contains(this.shadowRoot.activeElement);
  }

  #settle() {
    const paused = this.#isPaused;
    for (const { timer } of this.#toasts.values()) timer.run(!paused);
    const isWatched = this.#isHovered || this.#hasFocus;
    while (this.#waiting.length && !document.hidden) {
      const isUpdate = this.#toasts.has(this.#waiting[0].id);
      if (isWatched && !isUpdate && this.#toasts.size >= this.#max) return;
      this.#put(this.#waiting.shift());
    }
  }

  #put(notification) {
    const { id } = notification;
    const old = this.#toasts.get(id);
    const toast = this.#build(notification);
    if (old) old.timer.run(false);
    if (old) old.node.replaceWith(toast.node);
    else this.stack.prepend(toast.node);
    this.#toasts.set(id, toast);
    toast.timer.run(!this.#isPaused);
    if (!old) animate(toast.node, [{ opacity: 0, translate: this.#offset }, {}], ENTER_MS);
    this.#announce(notification);
    const [oldest] = this.#toasts.keys();
    if (this.#toasts.size > this.#max) this.dismiss(oldest);
  }

  get #offset() {
    return this.getAttribute("position")?.endsWith("left") ? "-2rem 0" : "2rem 0";
  }

  #build(notification) {
    const { id, title = "", message = "", url, level = "info" } = notification;
    const href = pageUrl(url);
    const text = make("span", { class: "text" }, make("span", { class: "title", part: "toast-title" }, title), make("span", { class: "message", part: "toast-message" }, message));
    const body = make(href ? "a" : "div", { href, class: "body", part: "toast-body" }, icon(notification.icon), text);
    const close = make("button", { class: "close", part: "close", "aria-label": this.say("close", { title }) }, drawing(CROSS));
    const node = make("li", { part: `toast toast-${level}`, "data-level": level, "data-id": id }, body, close);
    if (href) body.addEventListener("click", (event) => this.#click(event, notification));
    close.addEventListener("click", () => this.dismiss(id));
    const duration = this.number("duration", 5_000) * (level === "error" ? 2 : 1);
    return { node, notification, timer: new Timer(duration, () => this.dismiss(id)) };
  }

  #leave(id, { node, timer }) {
    timer.run(false);
    this.#toasts.delete(id);
    if (node.contains(this.shadowRoot.activeElement)) this.#passFocus();
    node.inert = true;
    const gone = () => node.remove();
    animate(node, [{}, { opacity: 0, translate: this.#offset }], LEAVE_MS).then(gone, gone);
    this.tell("nexora-toast-close", { id });
    this.#settle();
  }

  /** Read or seen, here or elsewhere: it is no news any more. */
  #follow({ notifications, userId }) {
    if (this.userId && userId !== this.userId) this.#forget();
    this.userId = userId;
    for (const { id, read, seenAt } of notifications) if (read || seenAt) this.dismiss(id);
  }

  #forget() {
    for (const { node, timer } of this.#toasts.values()) {
      timer.run(false);
      node.remove();
    }
    this.#toasts.clear();
    this.#waiting = [];
  }

  #announce({ title = "", message = "", level }) {
    const spoken = make("p", {}, message ? `${title}: ${message}` : title);
    (level === "error" ? this.assertive : this.polite).append(spoken);
    setTimeout(() => spoken.remove(), SPOKEN_MS);
  }

  // --- what one does ------------------------------------------------------------------------------

  #click(event, notification) {
    if (!this.tell("nexora-notification-click", { notification }, { cancelable: true })) event.preventDefault();
    if (notification.createdAt) this.store.markRead(notification.id).catch((error) => this.client.connection.emit("error", error));
    this.dismiss(notification.id);
  }

  #enter(event) {
    event.preventDefault();
    if (!this.#hasFocus) this.cameFrom = document.activeElement;
    this.region.focus();
  }

  #escape(event) {
    event.stopPropagation();
    const node = this.shadowRoot.activeElement.closest("li") ?? this.stack.querySelector("li:not([inert])");
    if (node) this.dismiss(node.dataset.id);
    else this.#passFocus();
  }

  /** To the next toast, or to where it was before. */
  #passFocus() {
    if (this.#toasts.size) return this.region.focus();
    if (this.cameFrom?.isConnected) this.cameFrom.focus();
    else this.shadowRoot.activeElement?.blur();
  }
}

function animate(node, frames, duration) {
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  return node.animate(frames, { duration: isCalm ? 0 : duration, easing: "ease-out" }).finished;
}
