// All tabs of a browser have one session: says when this page is no longer of who is signed in.

import { byId } from "./chat/dom.js";

const { me } = byId("me").dataset;
let user = me;

/** The client hears of it from the next page's requests; who comes back to this one asks. */
export function watchSession(rt) {
  rt.connection.bind("user_change", ({ current }) => show(current));
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && ask());
}

/** Whether it failed because nobody is signed in: the notice says so, and nothing else has to. */
export function isSignedOut(error) {
  const isOut = error?.status === 401;
  if (isOut && user === me) ask(); // the failure may be older than a new sign-in
  return isOut;
}

async function ask() {
  const answer = await fetch("/session", { headers: { Accept: "application/json" } }).catch(() => null);
  if (answer?.ok) show((await answer.json()).user);
}

function show(current) {
  user = current;
  byId("session").hidden = user === me;
  byId("session-what").textContent = user ? "You are somebody else in this browser now." : "You are signed out.";
  byId("session-next").textContent = user ? "Show this page to them" : "Sign in again";
}
