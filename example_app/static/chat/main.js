// Every page: the bell, what is unread and who is here. A conversation's page: its messages as well.

import { Bell } from "../bell.js";
import { Changes } from "../changes.js";
import * as api from "./api.js";
import { Conversation } from "./conversation.js";
import { byId } from "./dom.js";
import { Inbox } from "./inbox.js";
import { Presence } from "./presence.js";
import { Stream } from "./stream.js";

const me = byId("me").dataset.me;
const channels = new Set(["platform-global", `private-user-${me}`, ...[...document.querySelectorAll("[data-follow]")].map((node) => node.dataset.follow)]);
const open = byId("conversation")?.dataset.conversation;

const bell = new Bell();
const changes = new Changes();
const inbox = new Inbox();
const presence = new Presence(me);
const conversation = open ? new Conversation(open, me) : null;

function onState(state, text) {
  conversation?.takeState(state);
  if (!conversation || (byId("connection").dataset.state === state && byId("connection-text").textContent === text)) return;
  byId("connection").dataset.state = state;
  byId("connection-text").textContent = text;
}

function onEvent(event) {
  bell.take(event);
  changes.take(event);
  inbox.take(event);
  presence.take(event);
  conversation?.take(event);
}

/** An EventSource does not tell why it was refused; a request as the same user does. */
async function mayRetry() {
  try {
    await (open ? api.details(open) : api.unread());
  } catch (error) {
    if (error.status === 401) return onState("offline", "Signed out"), false;
    if (error.status === 403) return onState("offline", "No longer a member"), false;
  }
  return true;
}

function toggleAbout() {
  const isOpen = byId("about").toggleAttribute("data-open");
  byId("about-button").setAttribute("aria-expanded", String(isOpen));
}

byId("about-button")?.addEventListener("click", toggleAbout);
presence.show();
new Stream([...channels], { onState, onEvent, mayRetry }).open();
conversation?.loader.refresh();
