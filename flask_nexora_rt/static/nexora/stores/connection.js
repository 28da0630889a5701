// How the connection is.

import { shared, Store } from "./store.js";

/** Snapshot: `{state, reconnecting, isConnected, isConnecting, isDisconnected}`; exactly one of the last three is true. */
class ConnectionStore extends Store {
  constructor(rt) {
    super();
    this.rt = rt;
    this.follow = () => this.changed();
  }

  start() {
    this.rt.connection.bind("state_change", this.follow);
    this.changed();
  }

  stop() {
    this.rt.connection.unbind("state_change", this.follow);
  }

  picture() {
    const { state, reconnecting } = this.rt.connection;
    return describeState(state, reconnecting);
  }
}

export function describeState(state, reconnecting = false) {
  const isConnected = state === "connected";
  const isConnecting = state === "connecting" || state === "initialized";
  return { state, reconnecting, isConnected, isConnecting, isDisconnected: !isConnected && !isConnecting };
}

export const connectionStore = (rt) => shared(rt, "connection", () => new ConnectionStore(rt));
