// What happens to a thread, and in an organisation: events of the collaboration preset.

import { hold } from "./hold.js";
import { Store } from "./store.js";

const FEED_LENGTH = 50;
// A page that does not look (React draws nothing while it is hidden) is given the newest.
const MOST_WAITING = 1_000;
const NOTHING = { threadUpdate: null, newComment: null, updatedComment: null, deletedCommentId: null };

/** Holds a channel and keeps whether it is live. */
class Listener extends Store {
  isConnected = false;
  error = null;

  constructor(rt, name, options) {
    super();
    Object.assign(this, { rt, name, options });
  }

  /** @protected Another user has signed in: what is shown was for the former one. */
  forget() {}

  /** @protected {event: function} */
  handlers() {
    return {};
  }

  start() {
    const follow = () => this.follow();
    const refused = (error) => this.follow(error);
    const lost = ({ reason }) => reason === "user" && this.forget();
    const fixed = { "pusher:subscription_succeeded": follow, "pusher:subscription_error": refused, "nexora:revoked": refused, "nexora:gap": lost };
    this.held = hold(this.rt, this.name, { ...fixed, ...this.handlers() }, { onState: follow, ...this.options });
    this.follow();
  }

  stop() {
    this.held.release();
    this.held = null;
    this.isConnected = false;
  }

  follow(error = null) {
    const isConnected = this.held?.channel.subscribed ?? false;
    if (isConnected === this.isConnected && error === this.error) return;
    Object.assign(this, { isConnected, error });
    this.changed();
  }
}

/**
 * Snapshot: `{threadUpdate, newComment, updatedComment, deletedCommentId, isConnected, error}`. Each event has a
 * snapshot of its own; the following one is shown after `next(snapshot)` has said that this one was used.
 */
export class ThreadNews extends Listener {
  #shown = { ...NOTHING };
  #waiting = [];
  #isFresh = false;

  /** `topic` is `thread` or `comment`: which events it is about. */
  constructor(rt, name, threadId, topic) {
    super(rt, name);
    Object.assign(this, { threadId, topic });
  }

  handlers() {
    const tell = (write) => (data) => data.threadId === this.threadId && this.#add(write(data));
    const all = {
      "thread:updated": tell((data) => ({ threadUpdate: data })),
      "thread:status_changed": tell((data) => ({ threadUpdate: { ...data, status: data.newStatus } })),
      "comment:created": tell(({ comment }) => ({ newComment: comment })),
      "comment:updated": tell(({ comment }) => ({ updatedComment: comment })),
      "comment:deleted": tell(({ commentId }) => ({ deletedCommentId: commentId })),
    };
    return Object.fromEntries(Object.entries(all).filter(([event]) => event.startsWith(this.topic)));
  }

  picture() {
    return { ...this.#shown, isConnected: this.isConnected, error: this.error };
  }

  forget() {
    Object.assign(this.#shown, NOTHING);
    this.#waiting = [];
    this.changed();
  }

  #add(news) {
    this.#waiting = [...this.#waiting, news].slice(-MOST_WAITING);
    if (!this.#isFresh) this.#show();
  }

  #show() {
    this.#isFresh = true;
    Object.assign(this.#shown, this.#waiting.shift());
    this.changed();
  }

  next(snapshot) {
    if (snapshot !== this.getSnapshot()) return;
    this.#isFresh = false;
    if (this.#waiting.length) this.#show();
  }
}

/** Snapshot: `{latestActivity, activityFeed, isConnected, error}`, newest first. */
export class ActivityFeed extends Listener {
  #feed;

  constructor(rt, name, { activities = [], position } = {}) {
    super(rt, name, { lastEventId: position });
    this.#feed = activities.map(({ activity, timestamp }) => ({ timestamp, ...activity }));
  }

  handlers() {
    const of = (type) => ({ timestamp, ...data }) => this.#add({ type, timestamp, ...data });
    return {
      "activity:new": ({ activity, timestamp }) => this.#add({ timestamp, ...activity }),
      "item:added": of("item:added"), "comment:created": of("comment:created"),
    };
  }

  picture() {
    const { isConnected, error } = this;
    return { latestActivity: this.#feed[0] ?? null, activityFeed: Object.freeze([...this.#feed]), isConnected, error };
  }

  forget() {
    this.#feed = [];
    this.changed();
  }

  #add(activity) {
    // The list that it began with may have it, too.
    if (activity.seq !== undefined && this.#feed.some(({ seq }) => seq === activity.seq)) return;
    this.#feed = [activity, ...this.#feed].slice(0, FEED_LENGTH);
    this.changed();
  }
}
