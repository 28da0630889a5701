// The elements: <nexora-bell>, <nexora-toasts>, <nexora-connection>, <nexora-typing>, <nexora-presence>. See docs/browser.md.

import { NexoraBell } from "./nexora/elements/bell.js";
import { NexoraConnection } from "./nexora/elements/connection.js";
import { NexoraPresence } from "./nexora/elements/presence.js";
import { NexoraToasts } from "./nexora/elements/toasts.js";
import { NexoraTyping } from "./nexora/elements/typing.js";

const ELEMENTS = {
  "nexora-bell": NexoraBell,
  "nexora-connection": NexoraConnection,
  "nexora-presence": NexoraPresence,
  "nexora-toasts": NexoraToasts,
  "nexora-typing": NexoraTyping,
};

// A page may load two versions of this file: the first one counts.
for (const [name, element] of Object.entries(ELEMENTS)) if (!customElements.get(name)) customElements.define(name, element);

export { NexoraBell, NexoraConnection, NexoraPresence, NexoraToasts, NexoraTyping };
