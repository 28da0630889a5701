// <nexora-connection>: says when the page is not connected.

import { connectionStore } from "../../nexora-stores.js";
import { make, NexoraElement, write } from "./element.js";

/**
 * Attributes: `delay` (1000 ms without a connection before it says so), `theme`, `label-*`. With a text for `connected`
 * it is there all the time. Part: `status`.
 */
export class NexoraConnection extends NexoraElement {
  static observedAttributes = ["delay"];
  static texts = {
    connected: "", connecting: "Connecting…", reconnecting: "Reconnecting…",
    down: "Disconnected. Some features may not work.", failed: "Disconnected. Please sign in again.",
  };

  static css = `
    :host { display: inline-block }
    div { --tone: var(--_warning); display: inline-flex; align-items: center; gap: .5rem; padding: .375rem .875rem; border-radius: 2rem; border: 1px solid color-mix(in srgb, var(--tone) 45%, transparent); background: color-mix(in srgb, var(--tone) 12%, var(--_surface)); color: var(--_text); font-size: .875rem }
    div:empty { display: none }
    div::before { content: ""; flex: none; width: .5rem; height: .5rem; border-radius: 50%; background: var(--tone) }
    [data-state=connected] { --tone: var(--_success) }
    [data-state=down], [data-state=failed] { --tone: var(--_error) }`;

  #isPatient = true;

  constructor() {
    super();
    this.status = make("div", { role: "status", "aria-live": "polite", part: "status" });
    this.shadowRoot.append(this.status);
  }

  start() {
    this.store = connectionStore(this.client);
    return [this.store.subscribe(this.redraw), () => this.#rest()];
  }

  draw() {
    const { state, reconnecting, isConnected, isConnecting } = this.store.getSnapshot();
    if (isConnected) this.#rest();
    else this.#wait();
    // Trouble may pass before anybody needs to know.
    if (this.#isPatient && !isConnected) return;
    const waits = reconnecting ? "reconnecting" : "connecting";
    const name = isConnecting ? waits : isConnected || state === "failed" ? state : "down";
    this.status.dataset.state = name;
    write(this.status, this.say(name));
  }

  #rest() {
    clearTimeout(this.timer);
    this.timer = null;
    this.#isPatient = true;
  }

  #wait() {
    this.timer ??= setTimeout(() => {
      this.#isPatient = false;
      this.redraw();
    }, this.number("delay", 1_000));
  }
}
