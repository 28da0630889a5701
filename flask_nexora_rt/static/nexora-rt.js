// Realtime for the pages of a Flask app: the interface of pusher-js, over server-sent events. See docs/browser.md.

import { Channel, Members, PresenceChannel } from "./nexora/channel.js";
import { Emitter, report } from "./nexora/emitter.js";
import { NexoraError } from "./nexora/errors.js";
import { request } from "./nexora/http.js";
import * as channels from "./nexora-channels.js";
import { Events } from "./nexora-events.js";
import { Session } from "./nexora/session.js";

const CHANNEL = /^[A-Za-z0-9_\-=@,.;]{1,164}$/;
const POSITION = /^\d{1,15}-\d{1,19}$/;
const TAG = globalThis.document?.querySelector("script[data-nexora-rt]");

/** The server's URL prefix: this file is served below it. */
const prefix = () => TAG?.dataset.url ?? new URL(import.meta.url).pathname.replace(/\/realtime\/assets\/.*/, "");

/**
 * One client of a page. All tabs of a browser share one stream.
 *
 *     const rt = new NexoraRT();
 *     rt.subscribe("guild-7").bind("message:new", (message) => …);
 */
export class NexoraRT extends Emitter {
  static instances = [];
  static logToConsole = false;

  /** The page's client: the first that was made, else a new one. Elements and hooks use it. */
  static get default() {
    return NexoraRT.instances[0] ?? new NexoraRT();
  }

  /** @param key not used, pusher-js has it; the options may stand in its place: `{url, shareStream}`. */
  constructor(key, options = typeof key === "object" && key ? key : {}) {
    super();
    const url = options.url ?? prefix();
    Object.assign(this, { key, config: options, url });
    this.connection = new Connection();
    this.user = new User();
    this.channels = { channels: {} };
    this.session = new Session({
      base: url,
      share: options.shareStream ?? true,
      onEvent: (block) => this.#receive(block),
      onState: (status) => this.#follow(status),
      onRefused: (name, status) => this.#refuse(name, refusal(status)),
      onUser: (id, before) => this.#identify(id, before),
      onError: (error) => this.connection.emit("error", Object.assign(new NexoraError(error.type, error.message), error)),
    });
    NexoraRT.instances.push(this);
    this.connect();
  }

  // --- channels -----------------------------------------------------------------------------------

  /**
   * The channel, subscribed to once however often it is asked for; as many `unsubscribe` calls leave it. With
   * `lastEventId`, a position from the server, it begins with what came after that.
   */
  subscribe(name, { lastEventId } = {}) {
    const known = this.channel(name);
    if (known) {
      known.holders += 1;
      if (known.subscribed || known.subscriptionPending) return known;
      known.subscriptionPending = true;
    }
    const channel = known ?? this.#add(name);
    if (!CHANNEL.test(name)) queueMicrotask(() => this.#refuse(name, refusal(400)));
    else if (lastEventId && !POSITION.test(lastEventId)) queueMicrotask(() => this.#refuse(name, new NexoraError("BadRequest", "lastEventId is not a position", { status: 400 })));
    else this.session.add(name, lastEventId);
    return channel;
  }

  unsubscribe(name) {
    const channel = this.channel(name);
    if (!channel || --channel.holders > 0) return;
    delete this.channels.channels[name];
    Object.assign(channel, { subscribed: false, subscriptionPending: false, subscriptionCancelled: true });
    this.session.remove(name);
  }

  /** Leaves the channel, whoever else holds it here. */
  unsubscribeAll(name) {
    const channel = this.channel(name);
    if (channel) channel.holders = 1;
    this.unsubscribe(name);
  }

  channel(name) {
    return Object.hasOwn(this.channels.channels, name) ? this.channels.channels[name] : undefined;
  }

  allChannels() {
    return Object.values(this.channels.channels);
  }

  #add(name) {
    const kind = String(name).startsWith("presence-") ? PresenceChannel : Channel;
    const channel = Object.assign(new kind(name, this), { holders: 1 });
    return (this.channels.channels[name] = channel);
  }

  /** Sends a client event; as `channel(name).trigger`. */
  trigger(name, event, data) {
    return (this.channel(name) ?? new Channel(name, this)).trigger(event, data);
  }

  send_event(event, data, name) {
    return this.trigger(name, event, data);
  }

  /** @internal */
  async send(channel, event, data) {
    const { socket_id } = this.connection;
    if (!socket_id) throw new NexoraError("NotConnected", "there is no connection at the moment", { retryable: true });
    const answer = await this.request("/realtime/events", { body: { socket_id, channel, event, data } });
    // The server leaves out the whole stream, and so the other tabs of this browser. A proxy could not be posted to them.
    const user_id = channel.startsWith("presence-") ? this.user.id : undefined;
    this.session.radio?.postMessage({ from: this.session.id, type: "local", block: { event, channel, data: data && JSON.parse(JSON.stringify(data)), user_id } });
    return answer;
  }

  // --- connection ---------------------------------------------------------------------------------

  connect() {
    if (this.connection.state === "connected") return;
    this.connection.change({ state: "connecting" });
    this.session.connect();
  }

  disconnect() {
    this.session.leave();
    this.#unsubscribed();
    this.connection.change({ state: "disconnected" });
  }

  /** Resolves with the user of the session that the browser has, rejects when nobody is signed in. */
  signin() {
    return this.user.signinDonePromise;
  }

  /** Asks the app below its URL prefix: JSON in `body`, JSON back, or a rejection with a NexoraError. */
  request(path, options) {
    return request(this.url + path, options);
  }

  /** Whether this tab holds the stream. */
  get isLeader() {
    return this.session.leads;
  }

  /** Whether a tab of this browser is looked at; undefined in a tab that does not lead. */
  get someTabIsVisible() {
    return this.session.someTabIsVisible;
  }

  // --- what comes ---------------------------------------------------------------------------------

  #receive({ event, channel: name, data, user_id }) {
    const channel = this.channel(name);
    if (!channel) return;
    const metadata = user_id === undefined ? undefined : { user_id };
    const given = channel.receive(event, data, metadata);
    if (NexoraRT.logToConsole) console.debug("NexoraRT", name, event, given);
    this.emit(event, given, metadata);
  }

  #refuse(name, error) {
    this.#receive({ event: "pusher:subscription_error", channel: name, data: error });
  }

  #identify(id, before) {
    this.user.identify(id);
    if (before !== undefined) {
      this.connection.emit("user_change", { previous: before, current: id });
      // What is shown was fetched for somebody else.
      for (const { name } of this.allChannels()) this.#receive({ event: "nexora:gap", channel: name, data: { channels: [name], reason: "user" } });
    }
  }

  #follow(status) {
    if (status.state !== "connected") this.#unsubscribed();
    const isNews = this.connection.state !== status.state;
    this.connection.change(status);
    if (isNews && status.state === "failed") this.user.fail(status.error);
  }

  #unsubscribed() {
    for (const channel of this.allChannels()) channel.disconnect();
  }
}

/** `state` is initialized, connecting, connected, unavailable, failed (401 or 403) or disconnected. */
class Connection extends Emitter {
  state = "initialized";
  socket_id = undefined;
  /** Whether it has been connected before, and tries to be again. */
  reconnecting = false;

  change({ state, socketId, retryIn }) {
    const previous = this.state;
    this.socket_id = socketId ?? undefined;
    this.reconnecting = ["connecting", "unavailable"].includes(state) && (this.reconnecting || previous === "connected");
    this.state = state;
    if (previous !== state) this.emit("state_change", { previous, current: state }).emit(state, { socket_id: socketId });
    if (retryIn && state !== "connected") this.emit("connecting_in", retryIn);
  }
}

/** The user of the browser's session; the server says who that is. */
class User extends Emitter {
  id = undefined;
  user_data = null;

  constructor() {
    super();
    this.#expect();
  }

  identify(id) {
    this.id = id;
    this.user_data = id === null ? null : { id };
    if (id === null) return this.fail();
    this.#settle(0, this.user_data);
    this.emit("pusher:signin_success", this.user_data);
  }

  fail({ type, message, ...about } = { type: "AuthError", message: "nobody is signed in", status: 401 }) {
    const error = new NexoraError(type, message, about);
    this.#settle(1, error);
    this.emit("pusher:signin_error", error);
  }

  /** Way 0 resolves, 1 rejects: the promise that waits, else a new one, as this is news. */
  #settle(way, value) {
    if (!this.waiting) this.#expect();
    this.waiting[way](value);
    this.waiting = null;
  }

  #expect() {
    this.signinDonePromise = new Promise((...ways) => (this.waiting = ways));
    this.signinDonePromise.catch(() => {});
  }
}

function refusal(status) {
  if (status === 400) return new NexoraError("InvalidChannel", "this is not a channel name", { status });
  const error = NexoraError.of(status, { error: { 401: "Unauthorized", 403: "Forbidden" }[status] });
  return Object.assign(error, { error: error.message });
}

if (TAG) globalThis.NexoraRT = NexoraRT;

Object.assign(NexoraRT, { Events, channels });

export { Channel, Emitter, Events, Members, NexoraError, PresenceChannel, channels, report };
export default NexoraRT;
