// One guild's chat: history over HTTP, new messages over one native EventSource.

const room = document.getElementById("room").dataset;
const byId = (id) => document.getElementById(id);

const SILENCE_MS = 40_000; // the server speaks every 15 s: after this long the link is dead
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
const GROUP_MS = 5 * 60_000;
const NEAR_BOTTOM_PX = 80;
const COLOURS = 6;

// --- the stream ------------------------------------------------------------------------------------

/**
 * Keeps one EventSource alive. The browser reconnects it by itself while the server answers 200 or
 * not at all; after any other answer it gives up for ever (readyState CLOSED), and then this makes
 * a new one that goes on after the last event it saw.
 */
class Stream {
  constructor(url, { onState, onEvent, mayRetry }) {
    Object.assign(this, { url, onState, onEvent, mayRetry });
    this.lastEventId = "";
    this.failures = 0;
    addEventListener("online", () => this.open());
    addEventListener("offline", () => this.onState("offline", "Offline"));
    addEventListener("pagehide", () => this.close());
    addEventListener("pageshow", (event) => event.persisted && this.open());
  }

  open() {
    this.close();
    this.onState("connecting", this.lastEventId ? "Reconnecting" : "Connecting");
    const resume = this.lastEventId ? `&last_event_id=${encodeURIComponent(this.lastEventId)}` : "";
    this.source = new EventSource(this.url + resume);
    this.source.addEventListener("error", () => this.lost());
    for (const name of ["pusher:connection_established", "message:new", "nexora:gap", "nexora:ping", "nexora:closing"]) {
      this.source.addEventListener(name, (event) => this.take(name, event));
    }
    this.watch();
  }

  close() {
    clearTimeout(this.timer);
    clearTimeout(this.watchdog);
    this.source?.close();
  }

  take(name, event) {
    this.lastEventId = event.lastEventId || this.lastEventId;
    this.watch();
    this.failures = 0;
    if (name === "nexora:closing") this.onState("connecting", "Reconnecting");
    else this.onState("live", "Live");
    this.onEvent(name, JSON.parse(event.data).data);
  }

  watch() {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => this.open(), SILENCE_MS);
  }

  lost() {
    if (!navigator.onLine) this.onState("offline", "Offline");
    else if (this.source.readyState === EventSource.CONNECTING) this.onState("connecting", "Reconnecting");
    if (this.source.readyState === EventSource.CLOSED) this.retryLater();
  }

  async retryLater() {
    this.close();
    this.onState("offline", "Offline, retrying");
    if (!(await this.mayRetry())) return;
    const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.failures++);
    // Jitter: after a restart of the server its clients must not all come back at once.
    this.timer = setTimeout(() => this.open(), longest * (0.5 + Math.random() / 2));
  }
}

// --- the messages ----------------------------------------------------------------------------------

/**
 * The messages by id, in order, each once however often it arrives, and after them the drafts: what
 * was written here and is not in the history yet. Drawn as it changes.
 */
class MessageList {
  constructor() {
    this.messages = new Map();
    this.drafts = new Map();
    this.order = [];
    this.nodes = new Map();
    this.talk = byId("talk");
    this.talk.addEventListener("scroll", () => this.isAtBottom() && this.showNewest(false));
    byId("to-newest").addEventListener("click", () => this.scrollToBottom());
  }

  get oldest() { return this.order[0]; }
  get newest() { return this.order.at(-1); }
  get isEmpty() { return !this.order.length && !this.drafts.size; }

  /** Adds what is not there yet; `live` messages move in, and may scroll the list. */
  add(messages, { live = false } = {}) {
    const fresh = messages.filter((message) => !this.messages.has(message.id));
    if (!fresh.length) return;
    const stay = this.isAtBottom();
    for (const message of fresh) {
      this.messages.set(message.id, message);
      this.nodes.set(message.id, messageRow(message, live && message.senderId !== room.me));
      if (message.senderId === room.me) this.drafts.delete(message.clientId);
    }
    this.order = [...this.messages.keys()].sort((a, b) => a - b);
    this.draw();
    if (stay) this.scrollToBottom();
    else if (live) this.showNewest(true);
  }

  /** Adds a page of older messages without moving what is being read. */
  addEarlier(messages) {
    const below = this.talk.scrollHeight - this.talk.scrollTop;
    this.add(messages);
    this.talk.scrollTop = this.talk.scrollHeight - below;
  }

  draw() {
    const rows = [];
    let last = null;
    for (const message of this.order.map((id) => this.messages.get(id))) {
      const sameDay = last && dayOf(last) === dayOf(message);
      const follows = sameDay && last.senderId === message.senderId && new Date(message.createdAt) - new Date(last.createdAt) < GROUP_MS;
      if (!sameDay) rows.push(this.dayRow(message));
      if (last) this.nodes.get(last.id).toggleAttribute("data-followed", follows);
      rows.push(this.nodes.get(message.id));
      rows.at(-1).toggleAttribute("data-follows", follows);
      last = message;
    }
    for (const draft of this.drafts.values()) rows.push(draft.node);
    place(byId("messages"), rows);
    byId("empty").hidden = !(this.isEmpty && byId("loading").hidden && byId("failed").hidden);
  }

  dayRow(message) {
    const day = dayOf(message);
    if (!this.nodes.has(day)) this.nodes.set(day, element("li", { class: "day" }, day));
    return this.nodes.get(day);
  }

  isAtBottom() {
    return this.talk.scrollHeight - this.talk.scrollTop - this.talk.clientHeight < NEAR_BOTTOM_PX;
  }

  scrollToBottom() {
    this.talk.scrollTop = this.talk.scrollHeight;
    this.showNewest(false);
  }

  showNewest(shown) { byId("to-newest").hidden = !shown; }
}

function messageRow(message, isNew) {
  const mine = message.senderId === room.me;
  const row = element("li", { class: `message${mine ? " message-mine" : ""}${isNew ? " message-new" : ""}` },
    element("p", { class: "message-meta" }, element("strong", {}, message.sender.name), ` ${timeOf(message)}`),
    element("span", { class: "avatar", "aria-hidden": "true", "data-colour": message.senderId % COLOURS }, message.sender.name[0]),
    element("p", { class: "message-text" }, message.content),
  );
  row.title = new Date(message.createdAt).toLocaleString();
  return row;
}

/** Makes `rows` the children of `parent` and touches only what differs: a log is read out as it grows. */
function place(parent, rows) {
  const wanted = new Set(rows);
  for (const node of [...parent.children]) if (!wanted.has(node)) node.remove();
  rows.forEach((row, n) => parent.children[n] === row || parent.insertBefore(row, parent.children[n] ?? null));
}

function element(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

const timeOf = (message) => new Date(message.createdAt).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

function dayOf(message) {
  const day = new Date(message.createdAt).toDateString();
  const daysAgo = (n) => new Date(Date.now() - n * 86_400_000).toDateString();
  if (day === daysAgo(0)) return "Today";
  if (day === daysAgo(1)) return "Yesterday";
  return new Date(message.createdAt).toLocaleDateString([], { weekday: "long", day: "numeric", month: "long" });
}

// --- HTTP ------------------------------------------------------------------------------------------

async function call(url, options = {}) {
  const response = await fetch(url, { ...options, headers: { Accept: "application/json", "Content-Type": "application/json" } });
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw Object.assign(new Error(body.detail || body.error || `HTTP ${response.status}`), { status: response.status, fields: body.fields });
  return body;
}

const fetchPage = (before) => call(before ? `${room.messages}?before=${before}` : room.messages);

// --- sending ---------------------------------------------------------------------------------------

/** Sends drafts one after the other; one that fails stays in the list and can be tried again. */
class Outbox {
  constructor(list) {
    this.list = list;
    this.turn = Promise.resolve();
  }

  add(content) {
    // The id is kept for every retry: the server saves a message once per id.
    const draft = { clientId: newId(), content, node: element("li", { class: "message message-mine" }) };
    this.list.drafts.set(draft.clientId, draft);
    this.send(draft);
    this.list.scrollToBottom();
  }

  send(draft) {
    this.show(draft, "");
    this.turn = this.turn.then(() => this.post(draft));
  }

  async post(draft) {
    try {
      const body = JSON.stringify({ content: draft.content, clientId: draft.clientId });
      const { message } = await call(room.messages, { method: "POST", body });
      this.list.add([message]);
    } catch (error) {
      draft.mayComeBack = !error.status || error.status >= 500;
      this.show(draft, problemOf(error));
    }
  }

  /** Tries again what failed for want of a connection. */
  retry() {
    for (const draft of this.list.drafts.values()) if (draft.mayComeBack && draft.problem) this.send(draft);
  }

  discard(draft) {
    this.list.drafts.delete(draft.clientId);
    this.list.draw();
  }

  show(draft, problem) {
    if (this.list.drafts.get(draft.clientId) !== draft) return; // the stream was faster than the answer
    const stay = this.list.isAtBottom();
    draft.problem = problem;
    draft.node.replaceChildren(element("p", { class: "message-text" }, draft.content));
    draft.node.dataset.draft = problem ? "failed" : "sending";
    if (problem) draft.node.append(this.problemRow(draft));
    this.list.draw();
    if (stay) this.list.scrollToBottom();
  }

  problemRow(draft) {
    const again = element("button", { type: "button", class: "button-quiet" }, "Try again");
    const discard = element("button", { type: "button", class: "button-quiet" }, "Discard");
    again.addEventListener("click", () => this.send(draft));
    discard.addEventListener("click", () => this.discard(draft));
    return element("div", { class: "message-problem" }, element("span", { class: "field-error", role: "alert" }, draft.problem), again, discard);
  }
}

function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function problemOf(error) {
  if (error.fields) return `Not sent: ${Object.values(error.fields).join(" ")}`;
  if (error.status === 401) return "Not sent: you are signed out.";
  if (error.status) return `Not sent: ${error.message}`;
  return navigator.onLine ? "Not sent: the server does not answer." : "Not sent: you are offline.";
}

// --- the page --------------------------------------------------------------------------------------

const list = new MessageList();
const outbox = new Outbox(list);
const content = byId("content");

/** Where the list may have a hole: what came after this message is to be fetched. */
let holeAfter = "0";

/** Fetches from the newest back to the hole's edge, so that nothing between is left out. */
async function catchUp() {
  holeAfter ??= list.newest ?? "0";
  let messages = [];
  try {
    messages = await fetchAfter(holeAfter);
    holeAfter = null;
  } catch {
    // Said on the page below; the next heartbeat or a click tries again.
  }
  byId("loading").hidden = true;
  byId("failed").hidden = holeAfter === null;
  list.add(messages);
  list.draw();
}

/** The newest page, and when something is known already as many more as reach back to it. */
async function fetchAfter(known) {
  let page = await fetchPage();
  const pages = [page];
  while (known !== "0" && page.hasMore && Number(page.messages[0].id) > Number(known)) {
    page = await fetchPage(page.messages[0].id);
    pages.push(page);
  }
  if (known === "0") byId("earlier").hidden = !page.hasMore;
  return pages.reverse().flatMap((one) => one.messages);
}

async function showEarlier() {
  const button = byId("earlier");
  button.disabled = true;
  try {
    const page = await fetchPage(list.oldest);
    list.addEarlier(page.messages);
    button.hidden = !page.hasMore;
  } catch {
    button.textContent = "Not loaded. Try again";
  }
  button.disabled = false;
}

function showState(state, text) {
  const wasLive = byId("connection").dataset.state === "live";
  byId("connection").dataset.state = state;
  if (byId("connection-text").textContent !== text) byId("connection-text").textContent = text;
  if (state === "live" && !wasLive) outbox.retry();
}

function onEvent(name, data) {
  if (name === "message:new") list.add([data], { live: true });
  // A stream that goes on where it was brings everything; any other one has to fetch what it missed.
  const isNew = name === "pusher:connection_established" && !data.recovered;
  if (isNew || name === "nexora:gap" || (holeAfter && name === "nexora:ping")) catchUp();
}

/** An EventSource does not tell why it was refused; the history of the same guild does. */
async function mayRetry() {
  try {
    await fetchPage();
  } catch (error) {
    if (error.status === 401) return showState("offline", "Signed out"), false;
    if (error.status === 403) return showState("offline", "No longer a member"), false;
  }
  return true;
}

function fitComposer() {
  byId("send").disabled = !content.value.trim();
  content.style.height = "auto";
  content.style.height = `${content.scrollHeight}px`;
}

function submit(event) {
  event.preventDefault();
  if (!content.value.trim()) return;
  outbox.add(content.value.trim());
  content.value = "";
  fitComposer();
  content.focus();
}

byId("composer").addEventListener("submit", submit);
content.addEventListener("input", fitComposer);
content.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event);
});
byId("earlier").addEventListener("click", showEarlier);
byId("reload").addEventListener("click", catchUp);

new Stream(room.stream, { onState: showState, onEvent, mayRetry }).open();
fitComposer();
