// Uses what is declared of the elements and hooks: `tsc` has to agree, and to refuse what is marked.

import { NexoraBell } from "../../flask_nexora_rt/static/nexora-elements.js";
import { RealTimeProvider, useChannel, useChatMessages, useNotifications, usePresence, usePusher, useRealtimeActivity, useRealtimeComments, useRealtimeThread, useTypingIndicator, useTypingIndicators } from "../../flask_nexora_rt/static/nexora-rt-react.js";
import NexoraRT from "../../flask_nexora_rt/static/nexora-rt.js";

const bell: NexoraBell | null = document.querySelector("nexora-bell");
bell?.show();
document.querySelector("nexora-toasts")?.show({ title: "Saved", level: "success" });
document.addEventListener("nexora-notification-click", (event) => event.detail.notification.url);
document.querySelector("nexora-typing")!.nameOf = (id) => id.toUpperCase();

export function Page() {
  const names: readonly string[] = useTypingIndicators("guild-7");
  const { typingUsers, sendTyping } = useTypingIndicator(7);
  sendTyping(typingUsers.length > names.length);
  const unbind: () => void = useChannel("guild-7").bind<{ id: string }>("message:new", ({ id }) => id.length);
  useChatMessages<{ content: string }>("guild-7", (message) => message.content.trim());
  usePusher(null, false).channel?.unbind_all();
  const first = useNotifications("7")[0]?.title;
  const { unreadCount, markAsRead } = useNotifications();
  const { members } = usePresence("presence-product-7");
  const shown = [...members.map(({ name }) => name), ...Array.from(members.values()).map(({ id }) => id), members.size];
  const { threadUpdate } = useRealtimeThread<{ title: string }>("7", { organizationId: "acme" });
  const { newComment } = useRealtimeComments(7);
  const { activityFeed } = useRealtimeActivity({ organizationId: "acme" });
  RealTimeProvider({ client: NexoraRT.default, config: { pusherKey: "key", enablePresence: true } });
  // @ts-expect-error what is shown is not to be changed
  activityFeed.push({});
  // @ts-expect-error a count is no text
  unreadCount.trim();
  return [unbind, first, markAsRead, shown, threadUpdate?.title, newComment?.content];
}
