// What views look at: something that changes, and a picture of it that does not.

import { report } from "../../nexora-rt.js";

/**
 * `subscribe(listener)` returns a function that ends it; `getSnapshot()` is the same frozen object until something
 * changes, as React's useSyncExternalStore wants it. It works (`start`) while it has listeners, and rests (`stop`) soon
 * after the last one has gone: not at once, since a view that is drawn anew leaves and comes back.
 */
export class Store {
  #listeners = new Set();
  #snapshot;
  #works = false;

  subscribe = (listener) => {
    // Of its own: the same listener may come twice and go once.
    const one = () => listener();
    this.#listeners.add(one);
    if (!this.#works) {
      this.#works = true;
      this.start();
    }
    return () => this.#listeners.delete(one) && !this.#listeners.size && queueMicrotask(() => this.#rest());
  };

  getSnapshot = () => (this.#snapshot ??= Object.freeze(this.picture()));

  changed() {
    this.#snapshot = undefined;
    for (const listener of [...this.#listeners]) {
      try {
        listener();
      } catch (error) {
        report(error);
      }
    }
  }

  #rest() {
    if (this.#listeners.size || !this.#works) return;
    this.#works = false;
    this.stop();
  }
}

const registries = new WeakMap();

/** The store of that name for this client: one for everybody who looks at it, gone when nobody has it any more. */
export function shared(rt, name, make) {
  if (!registries.has(rt)) registries.set(rt, new Map());
  const stores = registries.get(rt);
  const known = stores.get(name)?.deref();
  if (known) return known;
  for (const [old, store] of stores) if (!store.deref()) stores.delete(old);
  const made = make();
  stores.set(name, new WeakRef(made));
  return made;
}
