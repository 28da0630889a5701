// Every page: what is unread, who is here, what has changed. A conversation's page: its messages as well.
// The bell, the toasts and the state of the connection are elements of the extension, see shell.html.

import { Changes } from "../changes.js";
import { sendOnce } from "../once.js";
import { rt } from "../rt.js";
import { watchSession } from "../session.js";
import { Conversation } from "./conversation.js";
import { byId } from "./dom.js";
import { Inbox } from "./inbox.js";
import { Presence } from "./presence.js";

const { me } = byId("me").dataset;
const followed = new Set([...document.querySelectorAll("[data-follow]")].map((node) => node.dataset.follow));
const open = byId("conversation")?.dataset.conversation;

function toggleAbout() {
  const isOpen = byId("about").toggleAttribute("data-open");
  byId("about-button").setAttribute("aria-expanded", String(isOpen));
}

rt.subscribe("platform-global");
sendOnce();
watchSession(rt);
new Changes(rt);
new Inbox(rt).refresh();
new Presence(rt, me, followed).show();
byId("about-button")?.addEventListener("click", toggleAbout);
if (open) new Conversation(rt, open, me).open();
