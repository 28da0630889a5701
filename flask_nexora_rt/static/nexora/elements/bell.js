// <nexora-bell>: a button with the number of unread notifications, and a panel with the list of them.

import { notificationStore } from "../../nexora-stores.js";
import { BELL_CSS } from "./bell-css.js";
import { drawing, icon, make, NexoraElement, pageUrl, write } from "./element.js";

const BELL = "M6 9a6 6 0 1 1 12 0c0 6 2.5 7.5 2.5 7.5h-17S6 15 6 9M10 20a2.2 2.2 0 0 0 4 0";
const CHECK = "M5 12.5l4.5 4.5L19 7.5";
// The server counts no further than 100.
const MOST = 99;
const SPEAK_MS = 1_000;
const ROOM = 8;
const AGES = [["day", 86_400], ["hour", 3_600], ["minute", 60]];

/**
 * Attributes: `max` (99: above it the badge shows "99+"), `open`, `theme`, `label-*`. Methods: `show()`, `hide()`.
 * Events: `nexora-open`, `nexora-close`, and `nexora-notification-click` (`detail.notification`; `preventDefault()`
 * keeps the browser on the page). What is in the slot `footer` stands below the list.
 */
export class NexoraBell extends NexoraElement {
  static observedAttributes = ["max", "open"];
  static css = BELL_CSS;
  static texts = {
    title: "Notifications", unread: "{n} unread",
    news: { one: "{n} unread notification", other: "{n} unread notifications" },
    empty: "No notifications", "all-read": "Mark all read", read: "Mark as read", isUnread: "Unread", now: "now",
    loading: "Loading…", error: "Notifications cannot be loaded.", retry: "Try again", failed: "That did not work. Please try again.",
  };

  #rows = new Map();
  #first = new Set();
  #spoken = null;

  constructor() {
    super();
    this.button = make("button", { part: "button", "aria-controls": "panel", "aria-expanded": "false" }, drawing(BELL));
    this.badge = make("span", { class: "badge", "aria-hidden": "true", hidden: "" });
    this.button.append(this.badge);
    this.news = make("span", { role: "status", "aria-live": "polite", class: "quiet" });
    this.heading = make("h2", { id: "title", part: "title" });
    this.all = make("button", { part: "mark-all", class: "all", hidden: "" });
    this.list = make("ul", { role: "list", part: "list", "aria-labelledby": "title" });
    this.note = make("p", { part: "note", class: "note" });
    this.more = make("button", { part: "more", class: "more", hidden: "" });
    this.scroller = make("div", { class: "scroller", tabindex: "-1" }, this.list, this.note, this.more);
    this.panel = make("div", { id: "panel", part: "panel", class: "panel", role: "region", "aria-labelledby": "title", hidden: "" },
      make("div", { class: "header" }, this.heading, this.all), this.scroller, make("slot", { name: "footer" }));
    this.shadowRoot.append(this.button, this.news, this.panel);
    this.button.addEventListener("click", () => (this.open ? this.hide() : this.show()));
    this.all.addEventListener("click", () => this.#markAll());
    this.more.addEventListener("click", () => (this.store.getSnapshot().error ? this.store.refresh() : this.store.loadMore()));
    this.addEventListener("keydown", (event) => event.key === "Escape" && this.open && (event.stopPropagation(), this.hide(true)));
    this.addEventListener("focusout", ({ relatedTarget: next }) => next && !this.contains(next) && !this.shadowRoot.contains(next) && this.hide());
  }

  get open() {
    return this.hasAttribute("open");
  }

  show() {
    this.toggleAttribute("open", true);
  }

  /** Closes the panel; `refocus` puts the focus back on the button. */
  hide(refocus = false) {
    this.toggleAttribute("open", false);
    if (refocus) this.button.focus();
  }

  attributeChangedCallback(name, before, now) {
    if (name !== "open") return super.attributeChangedCallback(name, before, now);
    if ((before === null) === (now === null)) return;
    this.redraw();
    this.tell(this.open ? "nexora-open" : "nexora-close");
  }

  start() {
    this.store = notificationStore(this.client);
    const outside = (event) => this.open && !event.composedPath().includes(this) && this.hide();
    document.addEventListener("pointerdown", outside);
    const observer = new IntersectionObserver((seen) => seen.some(({ isIntersecting }) => isIntersecting) && this.#reachedEnd(), { root: this.scroller, rootMargin: "120px" });
    observer.observe(this.more);
    return [
      this.store.subscribe(this.redraw), () => document.removeEventListener("pointerdown", outside), () => observer.disconnect(),
      () => clearTimeout(this.speaking), () => (this.#spoken = null),
    ];
  }

  draw() {
    const state = this.store.getSnapshot();
    this.#drawButton(state);
    this.#speak(state);
    const wasOpen = !this.panel.hidden;
    this.panel.hidden = !this.open;
    this.button.setAttribute("aria-expanded", String(this.open));
    if (!this.open) return this.#first.clear();
    this.#drawPanel(state);
    if (!wasOpen) this.#place();
    this.#seen(state);
  }

  #number(n) {
    const max = Math.min(this.number("max", MOST), MOST);
    return n > max ? `${max}+` : String(n);
  }

  #drawButton({ unread, unseen }) {
    const n = this.#number(unread);
    this.badge.hidden = !unread;
    this.badge.setAttribute("part", unseen ? "badge badge-unseen" : "badge");
    write(this.badge, n);
    this.button.setAttribute("aria-label", unread ? `${this.say("title")}, ${this.say("unread", { n })}` : this.say("title"));
  }

  /** Tells a screen reader when there are more than before; the toasts say what they are. */
  #speak({ unread, ready }) {
    if (!ready) return;
    const before = this.#spoken ?? unread;
    this.#spoken = Math.min(before, unread);
    clearTimeout(this.speaking);
    if (unread <= before) return unread || write(this.news, "");
    this.speaking = setTimeout(() => {
      this.#spoken = unread;
      write(this.news, this.say("news", { n: this.#number(unread) }));
    }, SPEAK_MS);
  }

  // --- the panel ----------------------------------------------------------------------------------

  #drawPanel(state) {
    const { notifications, unread, error, hasMore } = state;
    write(this.heading, this.say("title"));
    write(this.all, this.say("all-read"));
    this.all.hidden = !unread;
    this.#drawList(notifications);
    write(this.note, this.#remark(state));
    this.note.hidden = !this.note.textContent;
    this.more.hidden = !error && !hasMore;
    write(this.more, this.say(error ? "retry" : "loading"));
  }

  #remark({ notifications, loading, ready, error }) {
    if (error) return this.say("error");
    if (loading || !ready) return this.say("loading");
    return notifications.length ? (this.problem ?? "") : this.say("empty");
  }

  /** Unread ones come first. What is read while the panel is open stays where it is. */
  #drawList(notifications) {
    for (const { id, read } of notifications) if (!read) this.#first.add(id);
    const isFirst = ({ id }) => this.#first.has(id);
    const sorted = [...notifications.filter(isFirst), ...notifications.filter((one) => !isFirst(one))];
    const rows = new Map(sorted.map((one) => [one.id, this.#row(one)]));
    for (const [id, row] of this.#rows) if (rows.get(id) !== row) this.#take(row);
    this.#rows = rows;
    [...rows.values()].forEach((row, at) => {
      // A node that is moved loses the focus: only those that are in the wrong place.
      if (this.list.children[at] !== row.node) this.list.insertBefore(row.node, this.list.children[at] ?? null);
    });
  }

  #take(row) {
    if (row.node.contains(this.shadowRoot.activeElement)) this.scroller.focus();
    row.node.remove();
  }

  #row(notification) {
    const known = this.#rows.get(notification.id);
    const row = known && sameShape(known.notification, notification) ? known : this.#build(notification);
    Object.assign(row, { notification });
    const { read, createdAt } = notification;
    row.node.classList.toggle("unread", !read);
    row.node.setAttribute("part", read ? "item" : "item item-unread");
    row.mark.hidden = read;
    write(row.state, read ? "" : `${this.say("isUnread")}: `);
    write(row.time, this.#age(createdAt));
    return row;
  }

  #build(notification) {
    const { title, message, url, level, createdAt } = notification;
    const href = pageUrl(url);
    const state = make("span", { class: "quiet" });
    const time = make("time", { datetime: createdAt, part: "time", title: new Date(createdAt).toLocaleString(this.language) });
    const text = make("span", { class: "text" }, make("span", { part: "item-title", class: "title" }, state, title ?? ""), time,
      make("span", { part: "item-message", class: "message" }, message ?? ""));
    const link = make(href ? "a" : "button", { href, class: "link", part: "item-link" }, icon(notification.icon), text);
    const mark = make("button", { class: "mark", part: "mark-read", "aria-label": `${this.say("read")}: ${title}` }, drawing(CHECK));
    const node = make("li", { "data-level": level }, link, mark);
    const row = { node, mark, state, time, notification };
    link.addEventListener("click", (event) => this.#click(event, row));
    mark.addEventListener("click", () => {
      link.focus();
      this.#do(this.store.markRead(notification.id));
    });
    return row;
  }

  #age(createdAt) {
    const seconds = (Date.now() - new Date(createdAt)) / 1000;
    const [unit, length] = AGES.find(([, least]) => seconds >= least) ?? [];
    if (!unit) return this.say("now");
    return new Intl.RelativeTimeFormat(this.language, { numeric: "auto", style: "short" }).format(-Math.floor(seconds / length), unit);
  }

  /** Inside the window, wherever the button is. */
  #place() {
    this.panel.style.translate = "none";
    const { left, right } = this.panel.getBoundingClientRect();
    const width = document.documentElement.clientWidth;
    const shift = left < ROOM ? ROOM - left : Math.min(0, width - ROOM - right);
    this.panel.style.translate = `${shift}px 0`;
    this.scroller.scrollTop = 0;
  }

  // --- what one does ------------------------------------------------------------------------------

  #click(event, { notification }) {
    if (!notification.read) this.#do(this.store.markRead(notification.id));
    if (!this.tell("nexora-notification-click", { notification }, { cancelable: true })) event.preventDefault();
  }

  #markAll() {
    this.scroller.focus();
    this.#do(this.store.markAllRead());
  }

  #seen({ unseen, notifications }) {
    if (!unseen || this.marking === notifications[0]?.id) return;
    this.marking = notifications[0]?.id;
    this.store.markSeen().catch((error) => this.client.connection.emit("error", error));
  }

  async #do(work) {
    this.problem = null;
    try {
      await work;
    } catch (error) {
      this.problem = this.say("failed");
      this.client.connection.emit("error", error);
    }
    this.redraw();
  }

  #reachedEnd() {
    const { loading, error, hasMore } = this.store.getSnapshot();
    if (this.open && hasMore && !loading && !error) this.store.loadMore();
  }
}

function sameShape(one, other) {
  return ["title", "message", "url", "icon", "level", "createdAt"].every((name) => one[name] === other[name]);
}
