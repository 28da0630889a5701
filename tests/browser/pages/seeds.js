// The components of the three systems, as their pages use the hooks; without JSX, since there is no build step.

import { StrictMode, createElement as h, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

const { hooks: hooksUrl, client: clientUrl } = document.querySelector("script[data-hooks]").dataset;
const hooks = await import(hooksUrl);
const { Emitter, NexoraRT } = await import(clientUrl);
const { RealTimeProvider, useChannel, useChatMessages, useConnectionState, useNotifications, usePresence, usePusher, usePusherEvent, useRealtimeActivity, useRealtimeComments, useRealtimeThread, useTypingIndicator, useTypingIndicators } = hooks;

const list = (id, items) => h("ul", { id }, items.map((text, at) => h("li", { key: at }, text)));

// --- Nexora ---------------------------------------------------------------------------------------

function GuildChat({ guildId }) {
  const [messages, setMessages] = useState([]);
  const [, redraw] = useState(0);
  const channelName = `guild-${guildId}`;
  const { isConnected } = useChatMessages(channelName, (newMessage) => {
    setMessages((prev) => [newMessage, ...prev]);
  });
  const typingUsers = useTypingIndicators(channelName);
  return h("div", null,
    h("output", { id: "chat-state" }, isConnected ? "live" : "waiting"),
    list("chat", messages.map((message) => message.content)),
    h("output", { id: "chat-typing" }, typingUsers.length > 0 ? `${typingUsers.length} user(s) typing...` : ""),
    h("button", { onClick: () => redraw((n) => n + 1) }, "Redraw"));
}

function NotificationSystem({ userId }) {
  const [showToasts, setShowToasts] = useState([]);
  const notifications = useNotifications(userId);
  useEffect(() => {
    if (notifications.length > 0 && !notifications[0].read) setShowToasts((prev) => [notifications[0], ...prev.filter(({ id }) => id !== notifications[0].id)]);
  }, [notifications]);
  return h("div", null, list("inbox", notifications.map(({ title }) => title)), list("toasts", showToasts.map(({ title }) => title)));
}

function Bounties({ enabled }) {
  const [seen, setSeen] = useState([]);
  const { channel, isConnected } = usePusher("guild-1", enabled);
  usePusherEvent("guild-1", "bounty:new", (bounty) => setSeen((prev) => [...prev, bounty.title]));
  useEffect(() => {
    if (!channel) return undefined;
    channel.bind("guild:updated", ({ name }) => setSeen((prev) => [...prev, name]));
    return () => {
      channel.unbind_all();
      channel.unsubscribe();
    };
  }, [channel]);
  return h("div", null, list("bounties", seen), h("output", { id: "bounties-state" }, isConnected ? "live" : "waiting"));
}

// --- Threadly -------------------------------------------------------------------------------------

function MessageThread({ conversationId }) {
  const [messages, setMessages] = useState([]);
  const { bind, isSubscribed, trigger } = useChannel(`private-conversation-${conversationId}`);
  const { typingUsers, sendTyping } = useTypingIndicator(conversationId);
  useEffect(() => {
    const unsubscribe = bind("new-message", (data) => setMessages((prev) => [...prev, data]));
    const unbind = bind("client-wave", ({ text }) => setMessages((prev) => [...prev, { content: text }]));
    return () => {
      unsubscribe();
      unbind();
    };
  }, [bind]);
  return h("div", null,
    h("output", { id: "thread-state" }, isSubscribed ? "live" : "waiting"),
    list("thread", messages.map(({ content }) => content)),
    h("output", { id: "thread-typing" }, typingUsers.join(",")),
    h("button", { onClick: () => sendTyping(true) }, "Type"), h("button", { onClick: () => sendTyping(false) }, "Stop"),
    h("button", { onClick: () => trigger("client-wave", { text: "wave" }) }, "Wave"));
}

function NotificationBell() {
  const { notifications, unreadCount, markAsRead, markAllAsRead } = useNotifications();
  return h("div", null,
    h("output", { id: "unread" }, unreadCount > 99 ? "99+" : unreadCount),
    unreadCount > 0 && h("button", { onClick: markAllAsRead }, "Mark all read"),
    h("div", { id: "bell" }, notifications.length === 0 ? "No notifications" : notifications.map(({ id, title, read }) => h("button", { key: id, onClick: () => markAsRead(id) }, read ? title : `* ${title}`))));
}

function ProductPage({ productId }) {
  const { members, count } = usePresence(`presence-product-${productId}`);
  return h("div", null,
    list("viewers", Array.from(members.values()).slice(0, 3).map((member) => `${member.id}=${member.name}`)),
    h("output", { id: "viewing" }, `${count === 1 ? "1 person" : `${count} people`} viewing`));
}

function ConnectionStatus() {
  const { isConnected, isConnecting, isDisconnected } = useConnectionState();
  if (isConnected) return h("output", { id: "connection" }, "connected");
  return h("output", { id: "connection" }, isConnecting && "Connecting...", isDisconnected && "Disconnected - Some features may not work");
}

// --- the collaboration app ------------------------------------------------------------------------

function ThreadPage({ threadId, organizationId }) {
  const [localThread, setLocalThread] = useState({ title: "Old", status: "open" });
  const [comments, setComments] = useState([]);
  const [updates, setUpdates] = useState(0);
  const { threadUpdate, isConnected } = useRealtimeThread(threadId, { organizationId, enabled: !!threadId && !!organizationId });
  const { members: viewers, memberCount } = usePresence(threadId);
  const { newComment, updatedComment, deletedCommentId } = useRealtimeComments(threadId, { organizationId });
  useEffect(() => {
    if (!threadUpdate) return;
    setLocalThread((prev) => ({ ...prev, ...threadUpdate }));
    setUpdates((n) => n + 1);
  }, [threadUpdate]);
  useEffect(() => {
    if (newComment) setComments((prev) => [newComment, ...prev]);
  }, [newComment]);
  useEffect(() => {
    if (updatedComment) setComments((prev) => prev.map((one) => (one.id === updatedComment.id ? updatedComment : one)));
  }, [updatedComment]);
  useEffect(() => {
    if (deletedCommentId) setComments((prev) => prev.filter(({ id }) => id !== deletedCommentId));
  }, [deletedCommentId]);
  return h("div", null,
    h("output", { id: "thread-page" }, `${isConnected ? "live" : "waiting"} ${localThread.title} ${localThread.status} ${updates}`),
    list("comments", comments.map(({ content }) => content)),
    h("output", { id: "members" }, `${memberCount}: ${viewers.map(({ name }) => name).join(", ")}`));
}

function OrganizationThread({ threadId, organizationId }) {
  const options = { organizationId, via: "organization" };
  const { threadUpdate, isConnected } = useRealtimeThread(threadId, options);
  const { newComment } = useRealtimeComments(threadId, options);
  return h("output", { id: "org-thread" }, `${isConnected ? "live" : "waiting"} ${threadUpdate?.status ?? "-"} ${newComment?.content ?? "-"}`);
}

function Dashboard({ organizationId }) {
  const { latestActivity, activityFeed, isConnected } = useRealtimeActivity({ organizationId });
  return h("div", null,
    h("output", { id: "latest" }, latestActivity ? latestActivity.text : isConnected ? "live" : "waiting"),
    h("output", { id: "feed" }, `${activityFeed.length}: ${activityFeed.slice(0, 3).map(({ text }) => text).join(", ")}`));
}

function Everything({ id = "1" }) {
  return [h(GuildChat, { key: 1, guildId: id }), h(NotificationSystem, { key: 2, userId: "ann" }), h(Bounties, { key: 3, enabled: true }), h(MessageThread, { key: 4, conversationId: id }), h(NotificationBell, { key: 5 }), h(ProductPage, { key: 6, productId: id }), h(ConnectionStatus, { key: 7 }), h(ThreadPage, { key: 8, threadId: id, organizationId: "acme" }), h(Dashboard, { key: 9, organizationId: "acme" })];
}

// --- for the tests --------------------------------------------------------------------------------

const components = { Bounties, ConnectionStatus, Dashboard, Everything, GuildChat, MessageThread, NotificationBell, NotificationSystem, OrganizationThread, ProductPage, ThreadPage };
const root = createRoot(document.getElementById("root"));

/** Draws components by name, `[["GuildChat", {guildId: "1"}], …]`, in StrictMode, below a provider. */
function draw(wanted, config = { pusherKey: "key", pusherCluster: "eu", enablePresence: true, enableTypingIndicators: true }) {
  root.render(h(StrictMode, null, h(RealTimeProvider, { config }, wanted.map(([name, props], at) => h(components[name], { key: props?.key ?? at, ...props })))));
}

/** What is left on the client: handlers and channels. */
function left() {
  const { connection, user } = NexoraRT.default;
  const channels = NexoraRT.default.allChannels();
  return { channels: channels.map(({ name }) => name), handlers: [connection, user, NexoraRT.default, ...channels].map((one) => one.handlerCount) };
}

async function mountMany(times) {
  const { flushSync } = await import("react-dom");
  for (let n = 0; n < times; n++) {
    flushSync(() => draw([["Everything", { key: `${n}` }]]));
    flushSync(() => draw([]));
    // Now and then a little time, as it passes between pages: streams and lists are asked for.
    if (n % 50 === 0) await new Promise((done) => setTimeout(done));
  }
}

/** Counts subscriptions and bindings from now on. */
function count() {
  const counted = { bind: 0, subscribe: 0 };
  const { bind } = Emitter.prototype;
  Emitter.prototype.bind = function (...args) {
    counted.bind += 1;
    return bind.apply(this, args);
  };
  const { subscribe } = NexoraRT.prototype;
  NexoraRT.prototype.subscribe = function (...args) {
    counted.subscribe += 1;
    return subscribe.apply(this, args);
  };
  return counted;
}

Object.assign(window, { NexoraRT, count, draw, left, mountMany, isReady: true });
