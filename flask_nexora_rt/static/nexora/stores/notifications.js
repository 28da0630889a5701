// The signed-in user's notifications: the list over HTTP, what changes over the stream, the numbers by version.

import { channels, report } from "../../nexora-rt.js";
import { hold } from "./hold.js";
import { shared, Store } from "./store.js";

const PAGE = 20;
const MOST_PER_PAGE = 100;
const MOST_KEPT = 500;
const NO_COUNTS = { unread: 0, unseen: 0, version: -1 };

/**
 * Snapshot: `{notifications, unread, unseen, version, hasMore, loading, ready, error, userId}`, notifications newest
 * first. Nobody signed in: an empty list and `userId` null. Methods reject with a NexoraError, and the list then says
 * what it said before.
 */
class NotificationStore extends Store {
  #items = [];
  #counts = NO_COUNTS;
  #cursor = null;
  #about = { loading: false, ready: false, error: null };
  #userId = null;
  #held = null;
  #meanwhile = null;
  #fetching = Promise.resolve();
  #isStale = false;
  #arrivals = new Set();

  constructor(rt) {
    super();
    this.rt = rt;
    this.onUser = ({ id }) => this.#open(id);
    this.onNobody = () => this.#open(null);
  }

  start() {
    this.rt.user.bind("pusher:signin_success", this.onUser).bind("pusher:signin_error", this.onNobody);
    if (this.rt.user.id !== undefined) this.#open(this.rt.user.id);
  }

  stop() {
    this.rt.user.unbind("pusher:signin_success", this.onUser).unbind("pusher:signin_error", this.onNobody);
    this.#release();
  }

  picture() {
    const { unread, unseen, version } = this.#counts;
    const about = { unread, unseen, version, hasMore: this.#cursor !== null, userId: this.#userId };
    return { notifications: Object.freeze([...this.#items]), ...about, ...this.#about };
  }

  /** Calls `listener(notification)` for each that comes from now on; returns a function that ends it. */
  watchArrivals(listener) {
    this.#arrivals.add(listener);
    return () => this.#arrivals.delete(listener);
  }

  // --- whose they are -----------------------------------------------------------------------------

  #release() {
    this.#held?.release();
    this.#held = null;
    this.turn = (this.turn ?? 0) + 1;
  }

  async #open(userId) {
    this.#release();
    if (userId !== this.#userId) {
      Object.assign(this.#about, { ready: userId === null, error: null });
      this.#items = [];
      [this.#userId, this.#counts, this.#cursor] = [userId, NO_COUNTS, null];
    }
    this.changed();
    if (userId === null) return;
    const { turn } = this;
    const name = channels.user(userId);
    // The list, and from there on the stream: nothing is between the two. Where somebody has the channel already, or
    // there is no list yet, what comes while the list is fetched is laid over it.
    const position = this.rt.channel(name) ? null : (await this.refresh())?.position;
    if (turn !== this.turn) return;
    const isFirst = position && !this.rt.channel(name);
    this.#held = hold(this.rt, name, this.#handlers(), { lastEventId: isFirst ? position : undefined });
    if (isFirst) return;
    this.#isStale = !this.#held.channel.subscribed;
    await this.refresh();
  }

  #handlers() {
    const take = (event) => (data) => this.#take(event, data);
    return {
      "notification:new": take("new"), "notification:read": take("read"), "notification:clear": take("clear"),
      "nexora:gap": () => this.refresh(),
      "pusher:subscription_succeeded": () => this.#isStale && this.refresh(),
    };
  }

  // --- what comes ---------------------------------------------------------------------------------

  #take(event, data) {
    this.#meanwhile?.push([event, data]);
    this.#apply(event, data);
    this.#count(data);
    this.changed();
    if (event === "new") this.#announce(data);
    if (this.#items.length > MOST_KEPT) this.refresh();
  }

  #apply(event, data) {
    if (event === "new") return this.#merge([data], this.#items);
    const isMeant = this.#meant(data);
    if (event === "clear") this.#items = this.#items.filter((item) => !isMeant(item));
    else this.#items = this.#items.map((item) => (isMeant(item) ? { ...item, ...marks(data, item) } : item));
  }

  /** Which ones an event is about: `ids`, or those up to one, or all. */
  #meant({ ids, upTo }) {
    if (ids) return ({ id }) => ids.includes(id);
    const last = this.#items.find(({ id }) => id === upTo)?.createdAt;
    if (!upTo) return () => true;
    return last ? ({ createdAt }) => createdAt <= last : ({ id }) => id <= upTo;
  }

  /** Late numbers do not win: the highest version does. */
  #count(said) {
    const { unread, unseen, version } = said;
    if (version >= this.#counts.version) this.#counts = { unread, unseen, version };
  }

  #merge(first, second) {
    const known = new Map([...second, ...first].map((item) => [item.id, item]));
    const ids = new Set([...first, ...second].map(({ id }) => id));
    // Stable: what came in one millisecond stays in the server's order.
    this.#items = [...ids].map((id) => known.get(id)).sort((a, b) => (a.createdAt < b.createdAt) - (a.createdAt > b.createdAt));
  }

  #announce(notification) {
    for (const listener of [...this.#arrivals]) {
      try {
        listener(notification);
      } catch (error) {
        report(error);
      }
    }
  }

  // --- fetching -----------------------------------------------------------------------------------

  /** Fetches the newest again; resolves with undefined when that failed, and the snapshot has the `error`. */
  refresh() {
    return this.#inTurn(async () => {
      this.#meanwhile = [];
      const page = await this.#get({});
      const more = await this.#missingUnread(page);
      this.#items = [];
      this.#merge(page.notifications, more);
      for (const [event, data] of this.#meanwhile) this.#apply(event, data);
      this.#cursor = page.nextCursor;
      this.#isStale = false;
      this.#count(page);
      return page;
    });
  }

  /** Fetches the next older ones: on, as long as they are unread ones that are in the list already. */
  loadMore = () => this.#inTurn(async () => {
    const { length } = this.#items;
    while (this.#cursor !== null && this.#items.length <= length) {
      const page = await this.#get({ cursor: this.#cursor });
      this.#merge(this.#items, page.notifications);
      this.#cursor = page.nextCursor;
      this.#count(page);
    }
  });

  /** Unread ones are shown first, however old they are. */
  async #missingUnread({ notifications, unread }) {
    const found = notifications.filter(({ read }) => !read).length;
    return unread > found ? (await this.#get({ state: "unread", limit: MOST_PER_PAGE })).notifications : [];
  }

  async #get(query) {
    const { turn } = this;
    const page = await this.rt.request(`/notifications?${new URLSearchParams({ limit: PAGE, ...query })}`, { method: "GET" });
    if (turn !== this.turn) throw new Error("this was for somebody else");
    return page;
  }

  #inTurn(work) {
    const { turn } = this;
    const result = this.#fetching.then(() => turn === this.turn && this.#fetch(work));
    this.#fetching = result.catch(() => {});
    return result;
  }

  async #fetch(work) {
    const { turn } = this;
    Object.assign(this.#about, { loading: true, error: null });
    this.changed();
    try {
      return await work();
    } catch (error) {
      if (turn === this.turn) Object.assign(this.#about, { error });
      this.#isStale = true;
    } finally {
      this.#meanwhile = null;
      this.#about.loading = false;
      this.#about.ready ||= turn === this.turn;
      this.changed();
    }
  }

  // --- changing -----------------------------------------------------------------------------------

  markRead = (id) => this.#mark([id], { read: true }, `/${encodeURIComponent(id)}/read`);
  markUnread = (id) => this.#mark([id], { read: false }, `/${encodeURIComponent(id)}/unread`);
  remove = (id) => this.#mark([id], null, `/${encodeURIComponent(id)}`, { method: "DELETE" });
  clear = () => this.#mark(this.#items.map(({ id }) => id), null, "", { method: "DELETE" });

  /** All up to the newest that is shown: what comes meanwhile stays unread. */
  markAllRead = () => this.#upToNewest({ read: true }, "/read-all");
  markSeen = () => (this.#counts.unseen ? this.#upToNewest({ seenAt: new Date().toISOString() }, "/seen") : Promise.resolve());

  #upToNewest(change, path) {
    if (!this.#items.length) return Promise.resolve();
    return this.#mark(this.#items.map(({ id }) => id), change, path, { body: { upTo: this.#items[0].id } });
  }

  /** Shows it at once, and takes it back when the server refuses. The numbers are always the server's. */
  async #mark(ids, change, path, options) {
    const { turn } = this;
    const before = this.#items;
    const isMeant = ({ id }) => ids.includes(id);
    this.#items = change ? before.map((item) => (isMeant(item) ? { ...item, ...change } : item)) : before.filter((item) => !isMeant(item));
    this.changed();
    try {
      // Also when the page is left by the same click.
      const counts = await this.rt.request(`/notifications${path}`, { keepalive: true, ...options });
      if (turn === this.turn) this.#count(counts);
    } catch (error) {
      // Somebody else may have signed in meanwhile.
      if (turn === this.turn) this.#merge(before.filter(isMeant), this.#items);
      throw error;
    } finally {
      this.changed();
    }
  }
}

/** What an event changes in a notification. */
function marks({ action, at }, item) {
  if (action === "unread") return { read: false, readAt: null };
  const seen = { seenAt: item.seenAt ?? at };
  return action === "read" ? { ...seen, read: true, readAt: item.readAt ?? at } : seen;
}

export const notificationStore = (rt) => shared(rt, "notifications", () => new NotificationStore(rt));
