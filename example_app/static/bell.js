// The bell: how much is unread, and the newest notifications in a panel.

import { call } from "./chat/api.js";
import { button, byId, element, place } from "./chat/dom.js";

const API = "/api/notifications";
const TOGETHER_MS = 150; // a burst of events is one question
const CAP = 100; // the server counts no further
const PAGE = 20;
const READ_AGAIN = ["pusher:connection_established", "nexora:gap"];

export class Bell {
  constructor() {
    this.version = -1;
    this.rows = new Map();
    this.panel = byId("bell-panel");
    this.panel.addEventListener("toggle", (event) => event.newState === "open" && this.see());
    byId("bell-read-all").addEventListener("click", () => this.change("POST", "/read-all", { upTo: this.newest }));
  }

  take({ name, data }) {
    const isOurs = name.startsWith("notification:");
    if (isOurs) this.showCounts(data);
    if (name === "notification:new") byId("bell-spoken").textContent = `${data.title}: ${data.message}`;
    if (isOurs || READ_AGAIN.includes(name)) this.timer ??= setTimeout(() => this.refresh(), TOGETHER_MS);
  }

  /** The list is the server's; nothing is merged here, so a late event cannot make it wrong. */
  async refresh() {
    this.timer = null;
    await this.try(async () => {
      const page = await call("GET", `${API}?limit=${PAGE}`);
      // An event has overtaken this answer; the question that it has caused is on its way.
      if (page.version < this.version) return;
      this.showCounts(page);
      this.showList(page.notifications);
      if (this.panel.matches(":popover-open")) await this.see();
    });
  }

  /** Counts and versions come in no particular order: those of the highest version hold. */
  showCounts({ unread, unseen, version }) {
    if (version < this.version) return;
    Object.assign(this, { version, unseen });
    const text = unread >= CAP ? `${CAP - 1}+` : String(unread);
    const badge = byId("bell-badge");
    badge.hidden = byId("bell-read-all").hidden = unread === 0;
    badge.textContent = text;
    badge.toggleAttribute("data-unseen", unseen > 0);
    byId("bell").setAttribute("aria-label", unread ? `Notifications, ${text} unread` : "Notifications");
  }

  showList(notifications) {
    this.newest = notifications[0]?.id;
    const rows = notifications.map((one) => this.row(one));
    this.rows = new Map(notifications.map((one, n) => [one.id, { node: rows[n], text: JSON.stringify(one) }]));
    place(byId("bell-list"), rows);
    byId("bell-loading").hidden = true;
    byId("bell-empty").hidden = rows.length > 0;
  }

  /** The node of before, while it says the same: it may have the focus. */
  row(one) {
    const known = this.rows.get(one.id);
    return known?.text === JSON.stringify(one) ? known.node : this.draw(one);
  }

  draw(one) {
    const path = `/${encodeURIComponent(one.id)}`;
    const text = element(one.url ? "a" : "div", { class: "bell-text", href: one.url }, element("strong", {}, one.title), element("span", {}, one.message));
    text.append(element("time", { class: "quiet", datetime: one.createdAt }, new Date(one.createdAt).toLocaleString([], { dateStyle: "medium", timeStyle: "short" })));
    if (one.url && !one.read) text.addEventListener("click", () => this.change("POST", `${path}/read`));
    const tools = element("span", { class: "bell-tools" });
    if (!one.read) tools.append(button("✓", () => this.change("POST", `${path}/read`), { class: "button-plain", "aria-label": `Mark read: ${one.title}`, title: "Mark read" }));
    tools.append(button("×", () => this.change("DELETE", path), { class: "button-plain", "aria-label": `Delete: ${one.title}`, title: "Delete" }));
    const attributes = { class: "bell-row", ...(one.read ? {} : { "data-unread": "" }) };
    return element("li", attributes, element("span", { class: "notification-icon", "aria-hidden": "true" }, one.icon), text, tools);
  }

  /** The panel is open: its rows have been seen, and nothing that has come since. */
  async see() {
    if (this.unseen && this.newest) await this.change("POST", "/seen", { upTo: this.newest });
  }

  async change(method, path, body) {
    const hadFocus = this.panel.contains(document.activeElement);
    await this.try(async () => {
      this.showCounts(await call(method, API + path, body));
      if (path !== "/seen") await this.refresh();
    });
    if (hadFocus && !this.panel.contains(document.activeElement)) byId("bell-title").focus(); // its row has gone
  }

  async try(what) {
    try {
      await what();
      byId("bell-problem").hidden = true;
    } catch (error) {
      byId("bell-problem").textContent = `That did not work: ${error.message}`;
      byId("bell-problem").hidden = false;
    }
  }
}
