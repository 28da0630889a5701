// Who is here now: a dot beside each person, green while they hold one of our channels.

export class Presence {
  constructor(me) {
    this.me = me;
    this.here = new Map();
  }

  take({ name, channel, data }) {
    if (name === "pusher:subscription_succeeded" && data.presence) this.here.set(channel, new Set(data.presence.ids));
    else if (name === "pusher:member_added") this.here.get(channel)?.add(data.id);
    else if (name === "pusher:member_removed") this.here.get(channel)?.delete(data.id);
    else return;
    this.show();
  }

  isHere(userId) {
    return userId === this.me || [...this.here.values()].some((members) => members.has(userId));
  }

  show() {
    for (const dot of document.querySelectorAll("[data-person]")) {
      const text = this.isHere(dot.dataset.person) ? "online" : "offline";
      if (dot.getAttribute("aria-label") !== text) dot.setAttribute("aria-label", text);
    }
  }
}
