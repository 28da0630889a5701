// React hooks, as Nexora, Threadly and the collaboration app name them. React is the page's. See docs/react.md.

import { createContext, createElement, useCallback, useContext, useEffect, useInsertionEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";

import { NexoraRT, channels } from "./nexora-rt.js";
import { ActivityFeed, HeldChannel, NOBODY, ThreadNews, connectionStore, describeState, notificationStore, presenceStore, typingStore } from "./nexora-stores.js";

const Context = createContext({});
const IDLE = Object.freeze({ isConnected: false, error: null });
const NO_TYPING = Object.freeze([]);
const NO_NOTIFICATIONS = Object.freeze({ notifications: Object.freeze([]), unread: 0, unseen: 0, version: -1, hasMore: false, loading: false, ready: false, error: null, userId: null });
const CONNECTING = Object.freeze(describeState("initialized"));
const isBrowser = typeof document !== "undefined";

/**
 * Says which client the hooks below it use: `client`, else the page's one. `config` is what a client is made with if
 * the page has none yet; `enablePresence` and `enableTypingIndicators` switch hooks off, `enableLogging` logs events.
 */
export function RealTimeProvider({ client, config, children }) {
  const { enablePresence = true, enableTypingIndicators = true, enableLogging } = config ?? {};
  const given = useMemo(() => {
    if (!isBrowser) return { enablePresence, enableTypingIndicators };
    // Never a second one, however often React calls this: a client is a connection.
    const rt = client ?? NexoraRT.instances[0] ?? new NexoraRT(config?.pusherKey, config ?? {});
    return { rt, enablePresence, enableTypingIndicators };
  }, [client, enablePresence, enableTypingIndicators]);
  useEffect(() => {
    if (enableLogging !== undefined) NexoraRT.logToConsole = enableLogging;
  }, [enableLogging]);
  return createElement(Context.Provider, { value: given }, children);
}

/** The client in use; null where there is no browser. */
export function useClient() {
  const { rt } = useContext(Context);
  return rt ?? (isBrowser ? NexoraRT.default : null);
}

// --- what the hooks share -------------------------------------------------------------------------

const never = () => () => {};

function useStore(store, idle) {
  const empty = useCallback(() => idle, [idle]);
  return useSyncExternalStore(store?.subscribe ?? never, store?.getSnapshot ?? empty, empty);
}

/** The newest of a callback, so that a new function at each render binds nothing anew. */
function useLatest(callback) {
  const latest = useRef(callback);
  useInsertionEffect(() => {
    latest.current = callback;
  });
  return latest;
}

function useHeld(name, enabled = true) {
  const rt = useClient();
  const held = useMemo(() => (rt && enabled && name ? new HeldChannel(rt, name) : null), [rt, enabled, name]);
  const idle = useCallback(() => IDLE, []);
  const { isConnected, error } = useSyncExternalStore(held?.watch ?? never, held?.getSnapshot ?? idle, idle);
  return { channel: held, isConnected, error };
}

// --- any channel ----------------------------------------------------------------------------------

/** Holds a channel while the component is there. What `channel` binds and unbinds is this component's alone. */
export function usePusher(channelName, enabled = true) {
  return useHeld(channelName, enabled);
}

/** Calls `callback(data, metadata)`, always the newest one, for an event of a channel. */
export function usePusherEvent(channelName, event, callback) {
  const held = useHeld(channelName);
  const latest = useLatest(callback);
  const { channel } = held;
  useEffect(() => channel?.listen(event, (data, metadata) => latest.current(data, metadata)), [channel, event]);
  return held;
}

export function useChatMessages(channelName, onMessage) {
  return usePusherEvent(channelName, "message:new", onMessage);
}

/** `bind(event, callback)` returns a function that unbinds; `trigger(event, data)` a promise. */
export function useChannel(channelName) {
  const { channel, isConnected, error } = useHeld(channelName);
  const bind = useCallback((event, callback) => channel?.listen(event, callback) ?? (() => {}), [channel]);
  const trigger = useCallback((event, data) => channel?.trigger(event, data), [channel]);
  return { channel, isSubscribed: isConnected, error, bind, trigger };
}

export function useConnectionState() {
  const rt = useClient();
  return useStore(rt && connectionStore(rt), CONNECTING);
}

// --- people ---------------------------------------------------------------------------------------

/**
 * Who is on a presence channel, by its name or a thread's id: `{members, count, memberCount, me, isConnected, error}`.
 * `members` is an array of `{id, name, …}` that also has `size`, `get(id)`, `has(id)`.
 */
export function usePresence(channelOrThread, { enabled = true } = {}) {
  const rt = useClient();
  const { enablePresence = true } = useContext(Context);
  const name = channelOrThread == null || channelOrThread === "" ? null : presenceChannel(String(channelOrThread));
  const wanted = rt && name && enabled && enablePresence;
  const store = useMemo(() => (wanted ? presenceStore(rt, name) : null), [wanted, rt, name]);
  const seen = useStore(store, NOBODY);
  return useMemo(() => ({ ...seen, memberCount: seen.count }), [seen]);
}

const presenceChannel = (name) => (name.startsWith("presence-") ? name : threadChannel(name));
const threadChannel = (id) => `presence-thread-${channels.escapePart(id)}`;

function useTyping(name) {
  const rt = useClient();
  const { enableTypingIndicators = true } = useContext(Context);
  const wanted = rt && name && enableTypingIndicators;
  const store = useMemo(() => (wanted ? typingStore(rt, name) : null), [wanted, rt, name]);
  const sendTyping = useCallback((isTyping) => store?.send(isTyping), [store]);
  return { typingUsers: useStore(store, NO_TYPING), sendTyping };
}

/** The ids of who types on a channel, without one's own. */
export function useTypingIndicators(channelName) {
  return useTyping(channelName).typingUsers;
}

/**
 * `{typingUsers, sendTyping}` of a conversation: Threadly's (`7` and `conversation-7` are
 * `private-conversation-7`), or with a channel's full name, any.
 */
export function useTypingIndicator(conversation) {
  return useTyping(conversation == null || conversation === "" ? null : conversationChannel(String(conversation)));
}

const FULL_NAME = /^(private|presence|guild|dm|dispute)-/;

function conversationChannel(name) {
  if (FULL_NAME.test(name)) return name;
  return `private-conversation-${channels.escapePart(name.replace(/^conversation-/, ""))}`;
}

// --- notifications --------------------------------------------------------------------------------

/**
 * With a user id, as Nexora calls it: the list of notifications, newest first. Without, as Threadly does: an object
 * with the list, the counts and what can be done. Both show the signed-in user's.
 */
export function useNotifications(...userIds) {
  const rt = useClient();
  const store = useMemo(() => (rt ? notificationStore(rt) : null), [rt]);
  const state = useStore(store, NO_NOTIFICATIONS);
  const all = useMemo(() => ({ ...state, unreadCount: state.unread, ...actions(store) }), [state, store]);
  if (!userIds.length) return all;
  const [userId] = userIds;
  return userId != null && String(userId) === state.userId ? state.notifications : NO_NOTIFICATIONS.notifications;
}

function actions(store) {
  if (!store) return {};
  const { markRead: markAsRead, markUnread: markAsUnread, markAllRead: markAllAsRead, markSeen, remove, clear, loadMore } = store;
  return { markAsRead, markAsUnread, markAllAsRead, markSeen, remove, clear, loadMore };
}

// --- threads --------------------------------------------------------------------------------------

/**
 * One piece of news after the other, each in a render of its own: an effect with `[news]` sees them all, also when
 * many come at once.
 */
function useNews(make, dependencies) {
  const store = useMemo(make, dependencies);
  const news = useStore(store, NO_NEWS);
  useEffect(() => store?.next(news), [store, news]);
  return news;
}

const NO_NEWS = Object.freeze({ threadUpdate: null, newComment: null, updatedComment: null, deletedCommentId: null, isConnected: false, error: null });

function useThreadNews(topic, threadId, { organizationId, enabled = true, via = "thread" } = {}) {
  const rt = useClient();
  const isOrg = via === "organization";
  const about = isOrg ? organizationId : threadId;
  const isWanted = rt && enabled && threadId != null && threadId !== "" && about != null && about !== "";
  const name = isWanted ? (isOrg ? organizationChannel(about) : threadChannel(threadId)) : null;
  return useNews(() => (name ? new ThreadNews(rt, name, String(threadId), topic) : null), [rt, name, threadId, topic]);
}

const organizationChannel = (id) => `private-org-${channels.escapePart(id)}`;

/**
 * `{threadUpdate, isConnected}`: what has changed in a thread last; a change of status is in it as `status`. It listens
 * on the thread's channel, or with `via: "organization"` on that of `organizationId`.
 */
export function useRealtimeThread(threadId, options) {
  const { threadUpdate, isConnected, error } = useThreadNews("thread", threadId, options);
  return { threadUpdate, isConnected, error };
}

/** `{newComment, updatedComment, deletedCommentId, isConnected}`: the last of each. */
export function useRealtimeComments(threadId, options) {
  const { newComment, updatedComment, deletedCommentId, isConnected, error } = useThreadNews("comment", threadId, options);
  return { newComment, updatedComment, deletedCommentId, isConnected, error };
}

const NO_FEED = Object.freeze({ latestActivity: null, activityFeed: Object.freeze([]), isConnected: false, error: null });

/**
 * `{latestActivity, activityFeed, isConnected}`: an organisation's newest 50, newest first. `initial` is what
 * `Collaboration.activity_feed` answers: the feed begins with it, and misses nothing after it.
 */
export function useRealtimeActivity({ organizationId, enabled = true, initial } = {}) {
  const rt = useClient();
  const name = rt && enabled && organizationId != null && organizationId !== "" ? organizationChannel(organizationId) : null;
  const [first] = useState(initial);
  const store = useMemo(() => (name ? new ActivityFeed(rt, name, first) : null), [rt, name]);
  return useStore(store, NO_FEED);
}
