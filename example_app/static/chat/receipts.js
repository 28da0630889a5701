// How far everybody has read.

import { byId } from "./dom.js";
import { listOf } from "./text.js";

export class Receipts {
  constructor(list, people) {
    Object.assign(this, { list, people });
    this.readTo = new Map();
    this.telling = false;
  }

  /** A receipt never goes back, so the order in which they are told does not matter. */
  takeAll(receipts) {
    for (const [userId, upToSeq] of Object.entries(receipts)) this.readTo.set(userId, Math.max(upToSeq, this.readTo.get(userId) ?? 0));
    this.show();
  }

  get newest() {
    return this.list.getSnapshot().messages.findLast((one) => one.state === "sent");
  }

  /** Says under the list who has seen the last message, when it is ours. */
  show() {
    const last = this.list.getSnapshot().messages.at(-1);
    const isOurs = last?.state === "sent" && last.senderId === this.people.me && !last.deletedAt;
    const names = isOurs ? this.readers(last.seq) : [];
    byId("seen").hidden = !isOurs;
    byId("seen").textContent = names.length ? `Seen by ${listOf(names)}` : "Sent";
  }

  readers(seq) {
    const others = [...this.readTo].filter(([id, upTo]) => id !== this.people.me && upTo >= seq);
    return others.map(([id]) => this.people.name(id));
  }

  /** The newest message can be seen: tells so, if this page is the one that is looked at. */
  async read() {
    const seq = this.newest?.seq ?? 0;
    if (this.telling || document.visibilityState !== "visible" || seq <= (this.readTo.get(this.people.me) ?? 0)) return;
    this.telling = true;
    try {
      const { upToSeq } = await this.list.markRead(seq);
      this.takeAll({ [this.people.me]: upToSeq });
    } catch (error) {
      console.debug("not told how far we have read:", error.message); // the next message does it
    } finally {
      this.telling = false;
    }
  }
}
