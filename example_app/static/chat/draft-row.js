// One message that is being sent.

import { problemOf } from "./api.js";
import { attached } from "./attached.js";
import { button, element } from "./dom.js";

export class DraftRow {
  /** `onRetry(clientId)` and `onDiscard(clientId)` for one that has failed. */
  constructor(draft, { onRetry, onDiscard }) {
    Object.assign(this, { onRetry, onDiscard });
    this.node = element("li", { class: "message message-mine" });
    this.show(draft);
  }

  show(draft) {
    this.message = draft;
    const text = draft.content ? [element("p", { class: "message-text" }, draft.content)] : [];
    this.node.replaceChildren(element("div", { class: "message-body" }, ...text), attached(draft.attachments));
    this.node.dataset.draft = draft.state;
    if (draft.error) this.node.append(this.problem(draft));
    return this;
  }

  problem({ clientId, error }) {
    const problem = element("span", { class: "field-error", role: "alert" }, `Not sent: ${problemOf(error)}`);
    const again = button("Try again", () => this.onRetry(clientId));
    const discard = button("Discard", () => this.onDiscard(clientId));
    return element("div", { class: "message-problem" }, problem, again, discard);
  }
}
