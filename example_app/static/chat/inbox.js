// How much is unread: badges beside every conversation, and a number in the title.

const TOGETHER_MS = 150; // a burst of messages is one question
const CAP = 100; // the server counts no further
const NEWS = ["message:new", "message:delete", "message:read", "nexora:gap"];
const ABOUT = { unread: "unread", mentions: "mentions of you" };

export class Inbox {
  constructor(rt) {
    this.rt = rt;
    this.title = document.title;
    rt.connection.bind("connected", () => this.refreshSoon());
    rt.bind_global((name) => NEWS.includes(name) && this.refreshSoon());
  }

  refreshSoon() {
    this.timer ??= setTimeout(() => this.refresh(), TOGETHER_MS);
  }

  /** The numbers are the server's; nothing is counted here. */
  async refresh() {
    this.timer = null;
    try {
      const { conversations } = await this.rt.request("/messages/unread", { method: "GET" });
      this.show(conversations);
    } catch (error) {
      console.debug("not told what is unread:", error.message); // asked again with the next event
    }
  }

  show(conversations) {
    const total = Object.values(conversations).reduce((sum, one) => sum + one.unread, 0);
    document.title = total ? `(${written(total)}) ${this.title}` : this.title;
    for (const badges of document.querySelectorAll("[data-follow]")) {
      const counts = conversations[badges.dataset.follow] ?? {};
      for (const badge of badges.children) showCount(badge, counts[badge.dataset.count] ?? 0);
    }
  }
}

function showCount(badge, count) {
  const what = badge.dataset.count;
  badge.hidden = count === 0;
  badge.textContent = what === "mentions" ? `@${written(count)}` : written(count);
  badge.setAttribute("aria-label", `${written(count)} ${ABOUT[what]}`);
}

const written = (count) => (count >= CAP ? `${CAP - 1}+` : String(count));
