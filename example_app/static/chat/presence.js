// Who is here now: a dot beside each person, green while they hold one of our channels.

import { presenceStore } from "/api/realtime/assets/nexora-stores.js";

export class Presence {
  /** Follows the conversations in `channels`. */
  constructor(rt, me, channels) {
    this.me = me;
    this.rooms = [...channels].map((name) => presenceStore(rt, name));
    for (const room of this.rooms) room.subscribe(() => this.show());
  }

  isHere(userId) {
    return userId === this.me || this.rooms.some((room) => room.getSnapshot().members.has(userId));
  }

  show() {
    for (const dot of document.querySelectorAll("[data-person]")) {
      const text = this.isHere(dot.dataset.person) ? "online" : "offline";
      if (dot.getAttribute("aria-label") !== text) dot.setAttribute("aria-label", text);
    }
  }
}
