import type { NexoraError, NexoraRT } from "./nexora-rt.js";

export interface Message {
  id: string;
  conversationId: string;
  seq: number;
  clientId: string | null;
  senderId: string;
  sender: Record<string, unknown> | null;
  content: string;
  createdAt: string;
  editedAt: string | null;
  revision: number;
  deletedAt: string | null;
  attachments: unknown[];
  reactions: Record<string, { count: number; userIds: string[] }>;
  state: "sent";
}

/** Written here, and not in the history yet. */
export interface Draft {
  clientId: string;
  conversationId: string;
  senderId: string | null | undefined;
  content: string;
  attachments?: string[];
  createdAt: string;
  state: "sending" | "failed";
  error: NexoraError | null;
}

export interface Snapshot {
  readonly messages: ReadonlyArray<Message | Draft>;
  /** User id -> the `seq` they have read up to, as far as it was told since `open`. */
  readonly receipts: Readonly<Record<string, number>>;
  /** Whether there are older messages. */
  readonly hasMore: boolean;
  readonly loading: boolean;
  readonly error: NexoraError | null;
}

export class MessageList {
  constructor(rt: NexoraRT, conversationId: string, options?: { pageSize?: number });
  open(): Promise<void>;
  close(): void;
  /** For views (also React's useSyncExternalStore): bound, and `getSnapshot` is the same object until a change. */
  readonly subscribe: (listener: () => void) => () => void;
  readonly getSnapshot: () => Snapshot;
  /** Returns the `clientId`. */
  send(content: string, options?: { attachments?: string[] }): string;
  /** With those that have failed with it, in the order in which they were written. */
  retry(clientId: string): void;
  discard(clientId: string): void;
  loadEarlier(): Promise<unknown>;
  markRead(seq?: number): Promise<{ conversationId: string; upToSeq: number }>;
}
