// What has happened in one's guilds: the newest fifty, new ones on top while one looks.

import { byId, colourOf, element, place } from "../chat/dom.js";

const MOST = 50;
const AGAIN_MS = 30_000;
const UNITS = [["day", 86_400], ["hour", 3_600], ["minute", 60]];

const DONE = {
  thread_created: "started",
  title_changed: "gave a new title to",
  description_changed: "rewrote",
  status_changed: "changed the status of",
  comment_created: "commented on",
};

export class Feed {
  constructor(threadUrl = (id) => `/threads/${id}`) {
    this.threadUrl = threadUrl;
    this.rows = new Map();
    setInterval(() => this.#tellTimes(), AGAIN_MS);
  }

  /** The feed as the server has it now. */
  fill(entries) {
    this.rows.clear();
    for (const entry of entries.toReversed()) this.#put("", entry);
    this.#draw();
  }

  /** An `activity:new` of a channel; one that is known already changes nothing. */
  take(entry) {
    if (this.#put("data-new", entry)) this.#draw();
  }

  #put(mark, { activity, timestamp }) {
    const key = `${activity.thread.guild}:${activity.seq}`;
    if (this.rows.has(key)) return false;
    this.rows.set(key, row(activity, timestamp, this.threadUrl(activity.thread.id), mark));
    return true;
  }

  #draw() {
    for (const key of [...this.rows.keys()].slice(0, -MOST)) this.rows.delete(key);
    place(byId("feed"), [...this.rows.values()].reverse());
    byId("feed-empty").hidden = this.rows.size > 0;
    this.#tellTimes();
  }

  #tellTimes() {
    for (const time of byId("feed").querySelectorAll("time")) time.textContent = ago(new Date(time.dateTime));
  }
}

function row({ actor, what, thread }, timestamp, url, mark) {
  const face = element("span", { class: "avatar avatar-small", "data-colour": colourOf(actor.id), "aria-hidden": "true" }, actor.name[0]);
  const text = element("p", {}, element("strong", {}, actor.name), ` ${DONE[what] ?? "changed"} `, element("a", { href: url }, thread.title));
  const time = element("time", { class: "quiet", datetime: timestamp, title: new Date(timestamp).toLocaleString() });
  return element("li", mark ? { [mark]: "" } : {}, face, element("div", {}, text, time));
}

/** "3 minutes ago" */
export function ago(date) {
  const seconds = (Date.now() - date) / 1000;
  const [unit, size] = UNITS.find(([, one]) => seconds >= one) ?? [];
  return unit ? new Intl.RelativeTimeFormat("en-GB", { numeric: "auto" }).format(-Math.floor(seconds / size), unit) : "just now";
}
