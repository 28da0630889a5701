import type { NexoraRT } from "./nexora-rt.js";

export class DesktopNotifications {
  constructor(rt: NexoraRT, options?: { icon?: string; channel?: string });
  readonly permission: NotificationPermission | "unsupported";
  /** Call it from a click: browsers allow the question only then. */
  request(): Promise<NotificationPermission | "unsupported">;
  show(notification: { id: string; title: string; message: string; icon?: string | null; url?: string | null; level?: string }): Promise<void>;
  stop(): void;
}
