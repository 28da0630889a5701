// A channel, and the members of a presence channel.

import { NexoraError } from "./errors.js";
import { Emitter } from "./emitter.js";

/** Who is on a presence channel, as pusher-js has it; with very many members only `count` is known. */
export class Members {
  members = {};
  count = 0;
  me = null;

  constructor(myID) {
    this.myID = myID;
  }

  get(id) {
    return Object.hasOwn(this.members, id) ? { id, info: this.members[id] } : null;
  }

  each(callback) {
    for (const id of Object.keys(this.members)) callback(this.get(id));
  }

  /** Takes an event about members; returns what handlers are given. */
  follow(event, data) {
    if (event === "nexora:member_count") this.count = data.count;
    if (event === "pusher:member_added") return this.#change(data.id, data.info);
    if (event === "pusher:member_removed") return this.#change(data.id);
    return data;
  }

  reset({ count, hash }, myID) {
    Object.assign(this, { members: { ...hash }, count, myID });
    this.me = this.get(myID);
  }

  #change(id, info) {
    const member = this.get(id) ?? { id, info };
    delete this.members[id];
    if (info !== undefined) this.members[id] = member.info = info;
    this.count = Object.keys(this.members).length;
    return member;
  }
}

/** Made by `client.subscribe(name)`. Handlers outlive reconnects. */
export class Channel extends Emitter {
  subscribed = false;
  subscriptionPending = true;
  subscriptionCancelled = false;

  constructor(name, client) {
    super();
    Object.assign(this, { name, pusher: client });
    this.members = new Members(client.user.id);
  }

  subscribe() {
    this.pusher.subscribe(this.name);
  }

  unsubscribe() {
    this.pusher.unsubscribe(this.name);
  }

  /** It is subscribed to again by itself, from where it was: who asks for it meanwhile must not begin it anew. */
  disconnect() {
    this.subscriptionPending ||= this.subscribed;
    this.subscribed = false;
  }

  /** Sends a `client-…` event to the others on this channel. A promise; a rejection also is the connection's `error`. */
  trigger(event, data) {
    const sent = this.#send(event, data);
    sent.catch((error) => this.pusher.connection.emit("error", error));
    return sent;
  }

  async #send(event, data) {
    if (!String(event).startsWith("client-")) throw new NexoraError("BadEventName", `${event} does not begin with "client-"`);
    if (!this.subscribed) throw new NexoraError("NotSubscribed", `${this.name} is not subscribed yet`, { retryable: true });
    return this.pusher.send(this.name, event, data);
  }

  /** Called by the client with what comes. */
  receive(event, data, metadata) {
    let given = this.members.follow(event, data);
    if (event === "pusher:subscription_succeeded") given = this.#succeeded(data);
    if (event === "pusher:subscription_error" || event === "nexora:revoked") Object.assign(this, { subscribed: false, subscriptionPending: false });
    this.emit(event, given, metadata);
    return given;
  }

  #succeeded({ presence }) {
    Object.assign(this, { subscribed: true, subscriptionPending: false });
    if (!presence) return {};
    this.members.reset(presence, this.pusher.user.id);
    return this.members;
  }
}

export class PresenceChannel extends Channel {}
