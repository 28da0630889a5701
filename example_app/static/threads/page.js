// One thread: its title, description and status, its comments, who looks at it, and its guild's feed.

import { button, byId, element } from "../chat/dom.js";
import { rt } from "../rt.js";
import { isSignedOut } from "../session.js";
import { showViewers } from "../viewers.js";
import { Comments } from "./comments.js";
import { Editable } from "./editable.js";
import { Feed } from "./feed.js";
import { endWith, Sync } from "./sync.js";

const PENCIL = "M4 20l1-4L16.5 4.5a2.1 2.1 0 0 1 3 3L8 19ZM14 7l3 3";
const { thread: id, channel, guild, leads } = byId("thread").dataset;
const sync = new Sync(rt);
const feed = new Feed();
const path = `/threads/${id}`;
let thread = null;
let texts = [];
let isMissing = false;

const read = () => rt.request(path, { method: "GET" });

async function load() {
  try {
    const { position, activities, thread: found } = await read();
    thread = found;
    feed.fill(activities);
    if (!texts.length) begin(position);
    show();
    isMissing = false;
    byId("problem").hidden = true;
  } catch (error) {
    isMissing = true;
    byId("problem").textContent = `The thread could not be loaded: ${error.message}`;
    byId("problem").hidden = isSignedOut(error);
  }
}

function begin(position) {
  texts = [
    new Editable(byId("title"), source("title", "h1", {}), sync),
    new Editable(byId("description"), source("description", "p", { class: "brief" }, true), sync),
  ];
  const own = rt.subscribe(channel, { lastEventId: position });
  own.bind("thread:updated", ({ threadId, timestamp, ...changes }) => take(changes));
  own.bind("thread:status_changed", ({ newStatus }) => take({ status: newStatus }));
  own.bind("nexora:gap", load);
  endWith(own, sync);
  rt.subscribe(guild, { lastEventId: position }).bind("activity:new", (entry) => feed.take(entry)).bind("nexora:gap", load);
  showViewers(rt, byId("viewers"));
  new Comments(rt, channel, { leads: leads === "True", sync }).open();
}

/** Changes that were told; an old title that comes late changes nothing. */
function take(changes) {
  if (changes.revision < thread.revision) return;
  Object.assign(thread, changes);
  show();
}

function show() {
  document.title = `${thread.title} · Guildhall`;
  byId("status").className = `status status-${thread.status}`;
  byId("status").textContent = thread.status === "open" ? "Open" : "Settled";
  byId("settle").textContent = thread.status === "open" ? "Settle it" : "Open it again";
  byId("settle").hidden = false;
  for (const text of texts) text.refresh();
}

// --- title and description -------------------------------------------------------------------------

function source(name, tag, attributes, isLong = false) {
  const written = (row) => ({ value: row[name], revision: row.revision, by: row.editor.name });
  return {
    label: name === "title" ? "Title" : "Description",
    most: byId(name).dataset.most,
    isLong,
    isRequired: name === "title",
    heading: () => (tag === "h1" ? [element("h1", { class: "visually-hidden" }, thread.title)] : []),
    now: () => written(thread),
    fetch: async () => written((await read()).thread),
    save: async (value, revision) => written((await rt.request(path, { method: "PATCH", body: { [name]: value, revision } })).thread),
    view: (value, onEdit) => element("div", { class: "edit-view" }, element(tag, attributes, value || "No description yet."), ...(onEdit ? [pencil(`Edit ${name}`, onEdit)] : [])),
  };
}

function pencil(label, onClick) {
  const node = button("", onClick, { class: "button-plain", "aria-label": label, title: label });
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [key, value] of Object.entries({ class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true" })) svg.setAttribute(key, value);
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", PENCIL);
  svg.append(line);
  node.append(svg);
  return node;
}

// --- status ----------------------------------------------------------------------------------------

/** Shown before the server answers, and taken back when it refuses. */
async function settle() {
  const before = thread.status;
  take({ status: before === "open" ? "settled" : "open" });
  sync.set("status", 1);
  try {
    await rt.request(`${path}/status`, { method: "PUT", body: { status: thread.status } });
    byId("problem").hidden = true;
  } catch (error) {
    take({ status: before });
    byId("problem").textContent = `Not changed: ${error.message}`;
    byId("problem").hidden = false;
  }
  sync.set("status", 0);
}

byId("settle").addEventListener("click", settle);
sync.onBack(() => (isMissing || !byId("problem").hidden) && load());
load();
