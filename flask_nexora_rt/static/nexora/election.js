// Which tab leads: the holder of a Web Lock, or where there are none (http:// off localhost) of a lease in localStorage.

const LEASE_MS = 3_000;
const RENEW_MS = 1_000;
const CLAIM_MS = 60;

/** Whether tabs can talk, and agree on who leads. */
export function canShare() {
  try {
    return Boolean(globalThis.BroadcastChannel && (navigator.locks || localStorage));
  } catch {
    return false; // storage is switched off
  }
}

export const elect = (name, callbacks) => new (globalThis.navigator?.locks ? LockElection : LeaseElection)(name, callbacks);

/** The browser frees the lock of a tab that dies, and gives it to the next one in the queue. */
class LockElection {
  constructor(name, { onLead, onLost }) {
    Object.assign(this, { name, onLead, onLost });
  }

  join() {
    this.waiting = new AbortController();
    this.#request({ signal: this.waiting.signal });
  }

  /** Takes the lock from a leader that does not answer. */
  steal() {
    this.waiting?.abort();
    this.#request({ steal: true });
  }

  leave() {
    this.waiting?.abort();
    this.release?.();
  }

  /** How many other tabs wait for the lock. */
  async others() {
    const { pending } = await navigator.locks.query();
    return pending.filter((one) => one.name === this.name).length;
  }

  async #request(options) {
    let release;
    const lead = () => new Promise((resolve) => {
      this.release = release = resolve;
      this.onLead();
    });
    try {
      await navigator.locks.request(this.name, options, lead);
    } catch (error) {
      if (error.name !== "AbortError") throw error;
      // Aborted while it waited: that was us. Else another tab has taken it, as this one did not answer.
      if (!release || this.release !== release) return;
      this.onLost();
      this.join();
    }
  }
}

/** A key that says who leads and until when. Who has written last and finds itself there leads. */
class LeaseElection {
  constructor(name, { onLead, onLost }) {
    Object.assign(this, { name, onLead, onLost, id: Math.random().toString(36).slice(2), leads: false });
    this.look = (event) => event.key === name && this.#turn();
  }

  join() {
    addEventListener("storage", this.look);
    this.timer = setInterval(() => this.#turn(), RENEW_MS);
    this.#turn();
  }

  steal() {
    this.#claim();
  }

  leave() {
    removeEventListener("storage", this.look);
    clearInterval(this.timer);
    clearTimeout(this.claiming);
    this.claiming = null;
    if (this.#owner() === this.id) localStorage.removeItem(this.name);
    this.leads = false;
  }

  async others() {
    return Infinity;
  }

  #turn() {
    const owner = this.#owner();
    // Also when it has run out, as the timers of a hidden page do late: nobody has taken it.
    if (this.leads && localStorage.getItem(this.name)?.startsWith(this.id)) return this.#write();
    if (this.leads) {
      this.leads = false;
      this.onLost();
    }
    if (!owner && !this.claiming) this.#claim();
  }

  #claim() {
    this.#write();
    clearTimeout(this.claiming);
    this.claiming = setTimeout(() => {
      this.claiming = null;
      if (this.#owner() !== this.id || this.leads) return;
      this.leads = true;
      this.onLead();
    }, CLAIM_MS * (1 + Math.random()));
  }

  #owner() {
    const [owner, until] = (localStorage.getItem(this.name) ?? "").split(" ");
    return Number(until) > Date.now() ? owner : null;
  }

  #write() {
    localStorage.setItem(this.name, `${this.id} ${Date.now() + LEASE_MS}`);
  }
}
