// An order's page: moves on when the seller says so.

import { byId } from "../chat/dom.js";
import { rt } from "../rt.js";

const { channel, order } = byId("order").dataset;
const steps = [...document.querySelectorAll("[data-step]")];

function show({ status }) {
  const at = steps.findIndex((step) => step.dataset.step === status);
  const before = steps.findIndex((step) => step.hasAttribute("aria-current"));
  if (at <= before) return; // told before
  steps.forEach((step, n) => step.toggleAttribute("data-done", n <= at));
  steps[before].removeAttribute("aria-current");
  steps[at].setAttribute("aria-current", "step");
  byId("order-spoken").textContent = `The order has been ${status}.`;
}

/** What happened before this page was subscribed, or while it was not. */
const read = () => rt.request(`/orders/${order}`, { method: "GET" }).then(show, (error) => console.warn("the order could not be read:", error.message));

rt.subscribe(channel).bind("order:status", show).bind("pusher:subscription_succeeded", read).bind("nexora:gap", read);
