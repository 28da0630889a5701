// What elements and hooks show, and any view can: stores with `subscribe` and `getSnapshot`. See docs/react.md.

import { HeldChannel } from "./nexora/stores/channel.js";
import { connectionStore, describeState } from "./nexora/stores/connection.js";
import { ActivityFeed, ThreadNews } from "./nexora/stores/news.js";
import { notificationStore } from "./nexora/stores/notifications.js";
import { NOBODY, presenceStore } from "./nexora/stores/presence.js";
import { typingStore } from "./nexora/stores/typing.js";

export { ActivityFeed, HeldChannel, NOBODY, ThreadNews, connectionStore, describeState, notificationStore, presenceStore, typingStore };
