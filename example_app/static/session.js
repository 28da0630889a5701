// All tabs of a browser have one session: says when this page is no longer of who is signed in.

import { byId } from "./chat/dom.js";

export function watchSession(rt, me) {
  rt.connection.bind("user_change", ({ current }) => {
    byId("session").hidden = current === me;
    byId("session-what").textContent = current ? "You are somebody else in this browser now." : "You are signed out.";
    byId("session-next").textContent = current ? "Show this page to them" : "Sign in again";
  });
}
