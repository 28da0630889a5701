import type { NexoraRT } from "./nexora-rt.js";
import type { Notification } from "./nexora-rt-react.js";

/** A text with `{n}` and the like, one by plural category, or a function of what it speaks of. */
export type Label = string | Partial<Record<Intl.LDMLPluralRule, string>> | ((about: Record<string, any>) => string);

export class NexoraElement extends HTMLElement {
  /** The page's client (`NexoraRT.default`) unless it is set. */
  client: NexoraRT;
  /** Replaces texts; also as attributes, `label-<name>`. */
  labels: Record<string, Label>;
}

export class NexoraBell extends NexoraElement {
  readonly open: boolean;
  show(): void;
  hide(refocus?: boolean): void;
}

export interface Toast {
  id?: string;
  title: string;
  message?: string;
  level?: "info" | "success" | "warning" | "error";
  icon?: string | null;
  url?: string | null;
}

export class NexoraToasts extends NexoraElement {
  /** Returns the id. */
  show(toast: Toast): string;
  dismiss(id: string): void;
}

export class NexoraConnection extends NexoraElement {}

export class NexoraTyping extends NexoraElement {
  nameOf: ((userId: string) => string | undefined) | null;
}

export class NexoraPresence extends NexoraElement {}

export interface NexoraEventMap {
  "nexora-open": CustomEvent;
  "nexora-close": CustomEvent;
  /** `preventDefault()` keeps the browser on the page. */
  "nexora-notification-click": CustomEvent<{ notification: Notification }>;
  /** A notification has come; `preventDefault()` shows no toast. */
  "nexora-toast": CustomEvent<{ notification: Notification }>;
  "nexora-toast-close": CustomEvent<{ id: string }>;
}

declare global {
  interface HTMLElementTagNameMap {
    "nexora-bell": NexoraBell;
    "nexora-toasts": NexoraToasts;
    "nexora-connection": NexoraConnection;
    "nexora-typing": NexoraTyping;
    "nexora-presence": NexoraPresence;
  }

  interface HTMLElementEventMap extends NexoraEventMap {}
  interface DocumentEventMap extends NexoraEventMap {}
}
