// What is known of a conversation's messages; no nodes here.

/**
 * Messages by id, each as new as it has been told, and the drafts: what was written here and is not
 * among the messages yet. The same thing may be told twice and late: by a page, an event, an answer.
 */
export class MessageStore {
  constructor(me) {
    this.me = me;
    this.messages = new Map();
    this.drafts = new Map();
  }

  /** In the order of the conversation, which is `seq` and nothing else. */
  get ordered() {
    return [...this.messages.values()].sort((a, b) => a.seq - b.seq);
  }

  get oldest() {
    return this.ordered[0];
  }

  get newest() {
    return this.ordered.at(-1);
  }

  get(id) {
    return this.messages.get(id);
  }

  /** Takes a message of a page or an event; true when there was none with this id. */
  take(message) {
    const known = this.messages.get(message.id);
    if (known && (known.deletedAt || message.revision < known.revision)) return false;
    this.messages.set(message.id, message);
    if (message.senderId === this.me) this.drafts.delete(message.clientId);
    return !known;
  }

  /**
   * Takes the message that a request of ours was answered with. It can be older than an event
   * that overtook it, so it counts only when it says something new.
   */
  takeAnswer(message) {
    const known = this.messages.get(message.id);
    if (!known || message.deletedAt || message.revision > known.revision) this.take(message);
  }

  /** Leaves a tombstone in its place. */
  remove({ id, deletedAt, deletedBy }) {
    const known = this.messages.get(id);
    if (known) this.messages.set(id, { ...known, content: "", reactions: {}, deletedAt, deletedBy });
  }

  react({ id, reactions }) {
    const known = this.messages.get(id);
    if (known && !known.deletedAt) this.messages.set(id, { ...known, reactions });
  }

  /** Forgets what is before `seq`: between there and here something may be missing. */
  forgetBefore(seq) {
    for (const message of this.messages.values()) if (message.seq < seq) this.messages.delete(message.id);
  }
}
