/** Data of an event: what the server published. */
export type EventData = any;
export type Handler<T = EventData> = (data: T, metadata?: { user_id: string }) => void;
export type GlobalHandler = (event: string, data: EventData, metadata?: { user_id: string }) => void;

export class Emitter {
  bind<T = EventData>(event: string, callback: Handler<T>, context?: unknown): this;
  bind_global(callback: GlobalHandler): this;
  unbind(event?: string | null, callback?: Function | null, context?: unknown): this;
  unbind_global(callback?: GlobalHandler): this;
  unbind_all(): this;
  emit(event: string, data?: unknown, metadata?: unknown): this;
}

/** Shows an error as an uncaught one, without stopping who calls. */
export function report(error: unknown): void;

export type ErrorType =
  | "AuthError" | "BadAnswer" | "BadEventName" | "BadRequest" | "Conflict" | "InvalidChannel" | "InvalidFields"
  | "MalformedEvent" | "NetworkError" | "NotConnected" | "NotFound" | "NotSubscribed" | "RateLimited" | "TooLarge"
  | "Unavailable";

/** Every error of this client. */
export class NexoraError extends Error {
  constructor(type: ErrorType, message: string, about?: Partial<Pick<NexoraError, "status" | "fields" | "retryAfter" | "retryable">>);
  readonly type: ErrorType;
  /** The HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** What is wrong with which field (422). */
  readonly fields?: Record<string, string>;
  /** Seconds to wait (429, 503). */
  readonly retryAfter?: number;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
}

export interface Member<Info = Record<string, unknown>> {
  id: string;
  info: Info;
}

export class Members<Info = Record<string, unknown>> {
  readonly members: Record<string, Info>;
  readonly count: number;
  readonly myID: string | null | undefined;
  readonly me: Member<Info> | null;
  get(id: string): Member<Info> | null;
  each(callback: (member: Member<Info>) => void): void;
}

/** `nexora:gap`: events are missing here; fetch what they were about again. */
export interface Gap {
  channels: string[];
  reason: "expired" | "reset" | "future" | "user";
  since?: string;
  oldest?: string;
}

export class Channel extends Emitter {
  readonly name: string;
  readonly subscribed: boolean;
  readonly subscriptionPending: boolean;
  readonly subscriptionCancelled: boolean;
  readonly members: Members;
  /** Sends a `client-…` event to the others who hold the channel. Rejects with a NexoraError. */
  trigger(event: string, data?: unknown): Promise<{ success: true }>;
  subscribe(): void;
  unsubscribe(): void;

  bind(event: "pusher:subscription_succeeded", callback: (members: Members) => void, context?: unknown): this;
  bind(event: "pusher:subscription_error", callback: (error: NexoraError) => void, context?: unknown): this;
  bind(event: "pusher:member_added" | "pusher:member_removed", callback: (member: Member) => void, context?: unknown): this;
  bind(event: "nexora:gap", callback: (gap: Gap) => void, context?: unknown): this;
  bind(event: "nexora:revoked", callback: (data: { channel: string; reason: string }) => void, context?: unknown): this;
  bind<T = EventData>(event: string, callback: Handler<T>, context?: unknown): this;
}

export class PresenceChannel extends Channel {}

export type ConnectionState = "initialized" | "connecting" | "connected" | "unavailable" | "failed" | "disconnected";

export interface Connection extends Emitter {
  readonly state: ConnectionState;
  readonly socket_id: string | undefined;
  /** Whether it has been connected before and tries to be again. */
  readonly reconnecting: boolean;

  bind(event: "state_change", callback: (states: { previous: ConnectionState; current: ConnectionState }) => void, context?: unknown): this;
  bind(event: "error", callback: (error: NexoraError) => void, context?: unknown): this;
  /** Seconds until the next attempt. */
  bind(event: "connecting_in", callback: (seconds: number) => void, context?: unknown): this;
  /** The browser's session is another user's now; every channel gets `nexora:gap`, too. */
  bind(event: "user_change", callback: (change: { previous: string | null; current: string | null }) => void, context?: unknown): this;
  bind<T = EventData>(event: string, callback: Handler<T>, context?: unknown): this;
}

export interface User extends Emitter {
  /** undefined until the server has said; null: nobody is signed in. */
  readonly id: string | null | undefined;
  readonly user_data: { id: string } | null;
  readonly signinDonePromise: Promise<{ id: string }>;
}

export interface Options {
  /** The server's NEXORA_RT_URL_PREFIX; by default where this file comes from. */
  url?: string;
  /** Whether all tabs of the browser share one stream (default true). */
  shareStream?: boolean;
  [pusherOption: string]: unknown;
}

export interface RequestOptions extends Omit<RequestInit, "body" | "headers"> {
  /** Sent besides `Accept` and `Content-Type`. */
  headers?: Record<string, string>;
  /** Sent as JSON. */
  body?: unknown;
}

export class NexoraRT extends Emitter {
  static instances: NexoraRT[];
  static logToConsole: boolean;
  /** The page's client: the first that was made, else a new one. Elements and hooks use it. */
  static get default(): NexoraRT;
  static readonly Events: typeof Events;
  static readonly channels: typeof channels;

  constructor(options?: Options);
  constructor(key: string | null | undefined, options?: Options);

  readonly connection: Connection;
  readonly user: User;
  /** The URL prefix in use. */
  readonly url: string;
  readonly channels: { channels: Record<string, Channel> };
  /** Whether this tab holds the stream. */
  readonly isLeader: boolean;
  /** Whether a tab of this browser is looked at; undefined in a tab that does not lead. */
  readonly someTabIsVisible: boolean | undefined;

  /** Counts holders: as many `unsubscribe` calls leave the channel. `lastEventId`: begin after this position. */
  subscribe(name: string, options?: { lastEventId?: string }): Channel;
  unsubscribe(name: string): void;
  unsubscribeAll(name: string): void;
  channel(name: string): Channel | undefined;
  allChannels(): Channel[];
  trigger(channel: string, event: string, data?: unknown): Promise<{ success: true }>;
  send_event(event: string, data: unknown, channel: string): Promise<{ success: true }>;
  connect(): void;
  disconnect(): void;
  signin(): Promise<{ id: string }>;
  /** Asks the app below its URL prefix, as in `request("/messages", {body})`: POST by default, JSON both ways. */
  request<T = any>(path: string, options?: RequestOptions): Promise<T>;
}

export default NexoraRT;

export const Events: {
  readonly MESSAGE_NEW: "message:new"; readonly MESSAGE_EDIT: "message:edit"; readonly MESSAGE_DELETE: "message:delete";
  readonly TYPING_START: "typing:start"; readonly TYPING_STOP: "typing:stop";
  readonly NOTIFICATION_NEW: "notification:new"; readonly NOTIFICATION_READ: "notification:read"; readonly NOTIFICATION_CLEAR: "notification:clear";
  readonly BOUNTY_NEW: "bounty:new"; readonly BOUNTY_ACCEPTED: "bounty:accepted"; readonly BOUNTY_SUBMITTED: "bounty:submitted"; readonly BOUNTY_REVIEWED: "bounty:reviewed";
  readonly GUILD_MEMBER_JOIN: "guild:member-join"; readonly GUILD_UPDATED: "guild:updated";
  readonly DISPUTE_RAISED: "dispute:raised"; readonly DISPUTE_ESCALATED: "dispute:escalated"; readonly DISPUTE_RESOLVED: "dispute:resolved";
  readonly USER_RANK_CHANGED: "user:rank-changed"; readonly USER_TRUST_CHANGED: "user:trust-changed";
};

/** Nexora's channel names. */
export const channels: {
  guild(guildId: string | number): string;
  dm(userId: string | number, otherId: string | number): string;
  dispute(disputeId: string | number): string;
  user(userId: string | number): string;
  globalChannel(): "platform-global";
  escapePart(value: string | number, keepDash?: boolean): string;
};

declare global {
  interface Window {
    /** Set when the page has `{{ nexora_rt_script() }}`. */
    NexoraRT?: typeof NexoraRT;
  }
}
