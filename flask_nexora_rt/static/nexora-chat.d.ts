import type { NexoraError, NexoraRT } from "./nexora-rt.js";

/** What an upload is answered with. */
export interface Attachment {
  id: string;
  name: string;
  type: string;
  size: number;
  width?: number | null;
  height?: number | null;
}

/** The same object until it changes. */
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
  attachments: Attachment[];
  reactions: Record<string, { count: number; userIds: string[] }>;
  state: "sent";
}

/** Written here, and not in the history yet. */
export interface Draft {
  clientId: string;
  conversationId: string;
  senderId: string | null | undefined;
  content: string;
  /** As they were given to `send`. */
  attachments?: ReadonlyArray<string | Attachment>;
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
  /** Rejects with a NexoraError; one that may pass is tried again by itself. */
  open(): Promise<void>;
  close(): void;
  /** For views (also React's useSyncExternalStore): bound, and `getSnapshot` is the same object until a change. */
  readonly subscribe: (listener: () => void) => () => void;
  readonly getSnapshot: () => Snapshot;
  /** Returns the `clientId`. */
  send(content: string, options?: { attachments?: ReadonlyArray<string | Attachment> }): string;
  /** With those that have failed with it, in the order in which they were written. */
  retry(clientId: string): void;
  discard(clientId: string): void;
  /** With the `revision` that was edited, rejects with a Conflict if it is another by now. */
  edit(id: string, content: string, revision?: number): Promise<Omit<Message, "state">>;
  remove(id: string): Promise<Omit<Message, "state">>;
  /** Adds one's reaction, or takes it back. */
  react(id: string, key: string, isOn?: boolean): Promise<void>;
  /** Fetches one message anew: after a Conflict, what it says now. */
  reload(id: string): Promise<Omit<Message, "state">>;
  loadEarlier(): Promise<unknown>;
  markRead(seq?: number): Promise<{ conversationId: string; upToSeq: number }>;
}
