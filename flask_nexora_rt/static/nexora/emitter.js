// Event handlers as pusher-js has them.

/** Shows an error as an uncaught one, without stopping who calls. */
export function report(error) {
  if (globalThis.reportError) reportError(error);
  else setTimeout(() => { throw error; });
}

/** `bind(event, callback, context)` and its relatives; all of them chain. */
export class Emitter {
  #handlers = [];

  /** @internal How many handlers there are. */
  get handlerCount() {
    return this.#handlers.length;
  }

  bind(event, callback, context) {
    this.#handlers.push({ event, callback, context });
    return this;
  }

  bind_global(callback) {
    return this.bind(null, callback);
  }

  /** Forgets the handlers that match everything that is given; without arguments, all but the global ones. */
  unbind(event, callback, context) {
    return this.#keep((one) =>
      one.event === null || (event && one.event !== event) || (callback && one.callback !== callback) || (context && one.context !== context));
  }

  unbind_global(callback) {
    return this.#keep((one) => one.event !== null || (callback && one.callback !== callback));
  }

  unbind_all() {
    return this.#keep(() => false);
  }

  /** Calls the handlers. One that throws is reported and does not keep the others from being called. */
  emit(event, data, metadata) {
    for (const { event: wanted, callback, context } of [...this.#handlers]) {
      if (wanted !== null && wanted !== event) continue;
      try {
        if (wanted === null) callback.call(context ?? this, event, data, metadata);
        else callback.call(context ?? this, data, metadata);
      } catch (error) {
        report(error);
      }
    }
    return this;
  }

  #keep(wanted) {
    this.#handlers = this.#handlers.filter(wanted);
    return this;
  }
}
