import type { ReactElement, ReactNode } from "react";
import type { ConnectionState, EventData, GlobalHandler, Handler, Members, NexoraError, NexoraRT, Options } from "./nexora-rt.js";

export interface Config extends Options {
  /** Not used; other systems have it. */
  pusherKey?: string;
  pusherCluster?: string;
  /** Default true. */
  enablePresence?: boolean;
  /** Default true. */
  enableTypingIndicators?: boolean;
  /** Logs every event to the console. */
  enableLogging?: boolean;
}

/** Without `client` and `config` the hooks use the page's client, and work without a provider, too. */
export function RealTimeProvider(props: { client?: NexoraRT; config?: Config; children?: ReactNode }): ReactElement;
/** null where there is no browser. */
export function useClient(): NexoraRT | null;

/** A channel as one component holds it: its handlers are its own. */
export interface HeldChannel {
  readonly name: string;
  readonly subscribed: boolean;
  readonly subscriptionPending: boolean;
  readonly members: Members | undefined;
  bind<T = EventData>(event: string, callback: Handler<T>, context?: unknown): this;
  bind_global(callback: GlobalHandler): this;
  unbind(event?: string | null, callback?: Function | null, context?: unknown): this;
  unbind_global(callback?: GlobalHandler): this;
  unbind_all(): this;
  /** Forgets this component's handlers; the channel is left when no component holds it any more. */
  unsubscribe(): void;
  trigger(event: string, data?: unknown): Promise<{ success: true }>;
}

export interface Live {
  /** Whether events come at the moment: false while the connection is down. */
  readonly isConnected: boolean;
  /** Why not, when the server has refused the channel. */
  readonly error: NexoraError | null;
}

export interface Held extends Live {
  /** null while `enabled` is false. */
  readonly channel: HeldChannel | null;
}

export function usePusher(channelName: string | null | undefined, enabled?: boolean): Held;
export function usePusherEvent<T = EventData>(channelName: string | null | undefined, event: string, callback: Handler<T>): Held;
export function useChatMessages<T = EventData>(channelName: string | null | undefined, onMessage: Handler<T>): Held;

export function useChannel(channelName: string | null | undefined): {
  readonly channel: HeldChannel | null;
  readonly isSubscribed: boolean;
  readonly error: NexoraError | null;
  /** Returns a function that unbinds. */
  bind<T = EventData>(event: string, callback: Handler<T>): () => void;
  trigger(event: string, data?: unknown): Promise<{ success: true }>;
};

export function useConnectionState(): {
  readonly state: ConnectionState;
  readonly reconnecting: boolean;
  readonly isConnected: boolean;
  readonly isConnecting: boolean;
  /** unavailable, failed or disconnected. */
  readonly isDisconnected: boolean;
};

export type PresentMember<Info = { name?: string; avatar?: string | null; image?: string | null }> = Readonly<Info & { id: string }>;

/** An array that also answers `size`, `get` and `has`, as a Map of ids would. */
export interface MemberList<Info = { name?: string; avatar?: string | null; image?: string | null }> extends ReadonlyArray<PresentMember<Info>> {
  readonly size: number;
  get(id: string): PresentMember<Info> | undefined;
  has(id: string): boolean;
}

export interface Presence<Info = { name?: string; avatar?: string | null; image?: string | null }> extends Live {
  readonly members: MemberList<Info>;
  readonly count: number;
  readonly memberCount: number;
  readonly me: PresentMember<Info> | null;
}

/** A channel's name (`presence-…`), or a thread's id. */
export function usePresence<Info = { name?: string; avatar?: string | null; image?: string | null }>(channelOrThread: string | number | null | undefined, options?: { enabled?: boolean }): Presence<Info>;

/** The ids of who types, without one's own. */
export function useTypingIndicators(channelName: string | null | undefined): readonly string[];
export function useTypingIndicator(conversation: string | number | null | undefined): {
  readonly typingUsers: readonly string[];
  /** May be called at every key. */
  sendTyping(isTyping: boolean): void;
};

export interface Notification {
  readonly id: string;
  readonly userId?: string;
  readonly type: string;
  readonly category: string;
  readonly level: "info" | "success" | "warning" | "error";
  readonly title: string;
  readonly message: string;
  readonly icon: string | null;
  readonly url: string | null;
  readonly data: Record<string, any>;
  readonly read: boolean;
  readonly readAt: string | null;
  readonly seenAt: string | null;
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly groupCount: number;
}

export interface Notifications {
  /** Newest first; as far back as they have been loaded. */
  readonly notifications: readonly Notification[];
  /** At most 100. */
  readonly unread: number;
  readonly unreadCount: number;
  readonly unseen: number;
  readonly version: number;
  readonly hasMore: boolean;
  readonly loading: boolean;
  /** Whether the first page has been asked for, with or without success. */
  readonly ready: boolean;
  readonly error: NexoraError | null;
  /** Whose they are; null: nobody is signed in. */
  readonly userId: string | null;
  markAsRead(id: string): Promise<void>;
  markAsUnread(id: string): Promise<void>;
  /** Up to the newest that is in the list: what comes meanwhile stays unread. */
  markAllAsRead(): Promise<void>;
  markSeen(): Promise<void>;
  remove(id: string): Promise<void>;
  clear(): Promise<void>;
  loadMore(): Promise<unknown>;
}

export function useNotifications(): Notifications;
/** The signed-in user's, if that is who is meant. */
export function useNotifications(userId: string | null | undefined): readonly Notification[];

export interface ThreadOptions {
  organizationId?: string | number | null;
  /** Default true. */
  enabled?: boolean;
  /** Whose channel to listen on (default the thread's); the organization's has it only if the host says so. */
  via?: "thread" | "organization";
}

export function useRealtimeThread<Update = Record<string, any>>(threadId: string | number | null | undefined, options?: ThreadOptions): Live & {
  readonly threadUpdate: Update | null;
};

export function useRealtimeComments<Comment = Record<string, any>>(threadId: string | number | null | undefined, options?: ThreadOptions): Live & {
  readonly newComment: Comment | null;
  readonly updatedComment: Comment | null;
  readonly deletedCommentId: string | null;
};

export function useRealtimeActivity<Activity = Record<string, any>>(options?: {
  organizationId?: string | number | null;
  enabled?: boolean;
  /** What `Collaboration.activity_feed` answers. */
  initial?: { activities: { activity: Activity; timestamp: string }[]; position?: string };
}): Live & {
  readonly latestActivity: (Activity & { timestamp: string }) | null;
  /** The newest 50, newest first. */
  readonly activityFeed: readonly (Activity & { timestamp: string })[];
};
