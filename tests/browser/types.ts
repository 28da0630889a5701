// A page that uses everything that is declared: `tsc` has to agree, and to refuse what is marked.

import NexoraRT, { channels, Events, Gap, NexoraError } from "../../flask_nexora_rt/static/nexora-rt.js";
import { MessageList } from "../../flask_nexora_rt/static/nexora-chat.js";
import { DesktopNotifications } from "../../flask_nexora_rt/static/nexora-desktop.js";

const rt = new NexoraRT({ url: "/api", shareStream: false });
new NexoraRT("app-key", { cluster: "eu" });

rt.subscribe(channels.guild(7), { lastEventId: "1-0" })
  .bind(Events.MESSAGE_NEW, (message: { id: string }) => message.id)
  .bind("pusher:subscription_succeeded", (members) => members.count + members.each.length)
  .bind("pusher:subscription_error", (error) => error.status)
  .bind("nexora:gap", (gap: Gap) => gap.channels.join())
  .unbind(null, null, rt);
rt.connection.bind("state_change", ({ previous, current }) => previous === current);
const sent: Promise<{ success: true }> = rt.trigger("guild-7", "client-wave");
sent.catch((error: NexoraError) => error.type === "RateLimited" && error.retryAfter);

const list = new MessageList(rt, "guild-7");
list.getSnapshot().messages.map((message) => (message.state === "sent" ? message.seq : message.error?.type));
list.edit("id", "text", 2).then(({ revision }) => list.react("id", "+1", revision > 2));
list.send("", { attachments: [{ id: "7", name: "chart.png", type: "image/png", size: 9 }, "8"] });
new DesktopNotifications(rt).request().then((permission) => permission === "granted");

// @ts-expect-error there is no such state
rt.connection.state === "reconnecting";
// @ts-expect-error a snapshot is not to be changed
list.getSnapshot().messages.push();
// @ts-expect-error a draft has no seq
list.getSnapshot().messages[0].seq;
