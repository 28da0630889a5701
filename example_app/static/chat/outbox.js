// Sending: a message is shown at once as a draft, and sent until the server has it or refuses it.

import * as api from "./api.js";
import { attached } from "./attached.js";
import { button, element } from "./dom.js";

const TOO_MANY = 429;

/** Sends drafts one after the other; one that fails stays in the list and can be tried again. */
export class Outbox {
  constructor(conversationId, store, list) {
    Object.assign(this, { conversationId, store, list });
    this.turn = Promise.resolve();
  }

  add(content, attachments) {
    // The id is kept for every retry: the server saves a message once per id.
    const draft = { clientId: newId(), content, attachments, node: element("li", { class: "message message-mine" }) };
    this.store.drafts.set(draft.clientId, draft);
    this.send(draft);
    this.list.scrollToBottom();
  }

  send(draft) {
    this.show(draft, "");
    this.turn = this.turn.then(() => this.post(draft));
  }

  async post(draft) {
    try {
      const { message } = await api.send(this.conversationId, draft.content, draft.clientId, draft.attachments.map((one) => one.id));
      this.store.takeAnswer(message);
      this.list.draw();
    } catch (error) {
      if (error.status === TOO_MANY) return this.postLater(draft, error.retryAfter);
      draft.mayComeBack = !error.status || error.status >= 500;
      this.show(draft, `Not sent: ${problemOf(error)}`);
    }
  }

  /** Nobody is refused for writing fast: the drafts wait for their turn. */
  async postLater(draft, seconds) {
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    return this.post(draft);
  }

  /** Tries again what failed for want of a connection. */
  retry() {
    for (const draft of this.store.drafts.values()) if (draft.mayComeBack && draft.problem) this.send(draft);
  }

  discard(draft) {
    this.store.drafts.delete(draft.clientId);
    this.list.draw();
  }

  show(draft, problem) {
    if (this.store.drafts.get(draft.clientId) !== draft) return; // the stream was faster than the answer
    draft.problem = problem;
    const text = draft.content ? [element("p", { class: "message-text" }, draft.content)] : [];
    draft.node.replaceChildren(element("div", { class: "message-body" }, ...text), attached(draft.attachments));
    draft.node.dataset.draft = problem ? "failed" : "sending";
    if (problem) draft.node.append(this.problemRow(draft));
    this.list.draw();
  }

  problemRow(draft) {
    const problem = element("span", { class: "field-error", role: "alert" }, draft.problem);
    const again = button("Try again", () => this.send(draft));
    const discard = button("Discard", () => this.discard(draft));
    return element("div", { class: "message-problem" }, problem, again, discard);
  }
}

function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function problemOf(error) {
  if (error.status === 401) return "you are signed out.";
  const fields = Object.values(error.fields);
  return fields.length ? `it ${fields.join(", ")}.` : error.message;
}
