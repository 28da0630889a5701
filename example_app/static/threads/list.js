// The list of threads: new ones on top while one looks, titles and counts as they change.

import { byId, element, place } from "../chat/dom.js";
import { rt } from "../rt.js";
import { isSignedOut } from "../session.js";
import { Feed } from "./feed.js";
import { endWith, Sync } from "./sync.js";

const rows = new Map();
const followed = new Set();
let isMissing = false;

function start() {
  const sync = new Sync(rt);
  const feed = new Feed();
  load(feed, sync);
  sync.onBack(() => isMissing && load(feed, sync));
}

async function load(feed, sync) {
  try {
    const { threads, activities, channels, position } = await rt.request("/threads", { method: "GET" });
    for (const name of channels) if (!followed.has(name)) follow(name, position, feed, sync);
    feed.fill(activities);
    rows.clear();
    for (const thread of threads.toReversed()) rows.set(thread.id, new Row(thread));
    isMissing = false;
    byId("problem").hidden = true;
  } catch (error) {
    isMissing = true;
    byId("problem").textContent = `The threads could not be loaded: ${error.message}`;
    byId("problem").hidden = isSignedOut(error);
  }
  byId("loading").hidden = true;
  draw();
}

function follow(name, lastEventId, feed, sync) {
  followed.add(name);
  const channel = rt.subscribe(name, { lastEventId: lastEventId ?? undefined });
  channel.bind("activity:new", (entry) => {
    feed.take(entry);
    if (entry.activity.started) add(entry.activity.started);
  });
  channel.bind("thread:updated", ({ threadId, timestamp, ...changes }) => rows.get(threadId)?.take(changes));
  channel.bind("thread:status_changed", ({ threadId, newStatus }) => rows.get(threadId)?.take({ status: newStatus }));
  channel.bind("comment:created", ({ threadId, comment }) => rows.get(threadId)?.take({ comments: comment.seq }));
  channel.bind("nexora:gap", () => load(feed, sync));
  endWith(channel, sync);
}

function add(thread) {
  if (rows.has(thread.id)) return;
  rows.set(thread.id, new Row(thread, true));
  draw();
}

function draw() {
  place(byId("threads"), [...rows.values()].reverse().map((row) => row.node));
  byId("empty").hidden = rows.size > 0 || isMissing;
}

class Row {
  constructor(thread, isNew = false) {
    this.thread = thread;
    this.title = element("strong");
    this.facts = element("span", { class: "quiet" });
    this.status = element("span");
    const colour = (Number(thread.guild.id) + 2) % 6;
    const crest = element("span", { class: "crest crest-large", "data-colour": colour, "aria-hidden": "true" }, thread.guild.name[0]);
    const link = element("a", { class: "row-link", href: `/threads/${thread.id}` }, crest, element("span", { class: "row-text" }, this.title, this.facts), this.status);
    this.node = element("li", isNew ? { "data-new": "" } : {}, link);
    this.show();
  }

  /** Events may come again, or late: only what is newer counts. */
  take(changes) {
    const { revision, comments } = this.thread;
    if (changes.revision < revision || changes.comments < comments) return;
    Object.assign(this.thread, changes);
    this.show();
  }

  show() {
    const { title, guild, author, comments, status } = this.thread;
    this.title.textContent = title;
    this.facts.textContent = `${guild.name} · ${author.name} · ${comments} comment${comments === 1 ? "" : "s"}`;
    this.status.className = `status status-${status}`;
    this.status.textContent = status === "open" ? "Open" : "Settled";
  }
}

if (byId("threads")) start();
else byId("sync").hidden = true;
