// Desktop notifications, shown once per browser and only while no tab of it is looked at.

import { channels } from "./nexora-rt.js";

/**
 * Shows the signed-in user's notifications as the system does. The leading tab shows them, so every page should make
 * one of these. `icon` is a URL; `channel` is the user's own channel (default `private-user-<id>`).
 *
 *     const desktop = new DesktopNotifications(rt);
 *     button.onclick = () => desktop.request();
 */
export class DesktopNotifications {
  #shown = new Map();

  constructor(rt, { icon, channel } = {}) {
    Object.assign(this, { rt, icon, channelName: channel });
    this.onNew = (notification) => this.#arrived(notification);
    this.onRead = (change) => change.action !== "unread" && change.action !== "seen" && this.#close(change);
    this.onUser = ({ id }) => this.#follow(id);
    rt.user.bind("pusher:signin_success", this.onUser).bind("pusher:signin_error", this.onUser);
    if (rt.user.id) this.#follow(rt.user.id);
  }

  /** "granted", "denied", "default", or "unsupported". */
  get permission() {
    return globalThis.Notification?.permission ?? "unsupported";
  }

  /** Asks the person; browsers allow that only in answer to a click. Resolves with the permission. */
  async request() {
    if (this.permission === "default") await Notification.requestPermission();
    return this.permission;
  }

  stop() {
    this.rt.user.unbind(null, this.onUser);
    this.#leave();
  }

  /** Another user, or nobody, is signed in: what is shown was the former one's. */
  #follow(userId) {
    // Who leads the tabs may change, and says again who is signed in.
    if (this.channel && userId === this.userId) return;
    this.userId = userId;
    this.#leave();
    this.#close({});
    if (!userId) return;
    this.channel = this.rt.subscribe(this.channelName ?? channels.user(userId));
    this.channel.bind("notification:new", this.onNew).bind("notification:read", this.onRead).bind("notification:clear", this.onRead);
  }

  #leave() {
    if (!this.channel) return;
    this.channel.unbind("notification:new", this.onNew).unbind("notification:read", this.onRead).unbind("notification:clear", this.onRead);
    this.rt.unsubscribe(this.channel.name);
    this.channel = null;
  }

  #arrived(notification) {
    if (this.permission === "granted" && this.rt.isLeader && !this.rt.someTabIsVisible) this.show(notification);
  }

  /** Shows one now. The same `id` again, as a group that grows has it, takes the place of the first. */
  async show({ id, title, message, icon, url, level }) {
    const options = { body: message, icon: icon?.includes("/") ? icon : this.icon, tag: `nexora-${id}`, data: { url }, requireInteraction: level === "error" };
    try {
      const shown = new Notification(title, options);
      shown.onclick = () => this.#open(shown, url);
      // The one that took its place stays.
      shown.onclose = () => this.#shown.get(id) === shown && this.#shown.delete(id);
      this.#shown.set(id, shown);
    } catch (error) {
      // Chrome on Android has them only for service workers.
      const worker = await navigator.serviceWorker?.getRegistration();
      if (!worker) return this.rt.connection.emit("error", error);
      await worker.showNotification(title, options);
    }
  }

  #open(shown, url) {
    shown.close();
    window.focus();
    // Only addresses of pages: the text of a notification is not to run as a script.
    if (url && /^https?:$/.test(new URL(url, location.href).protocol)) location.assign(url);
  }

  /** Read or cleared, here or elsewhere: `ids`, or all, or all up to an id. */
  async #close({ ids, upTo }) {
    const gone = (id) => (ids ? ids.includes(id) : !upTo || id <= upTo);
    for (const [id, shown] of this.#shown) if (gone(id)) shown.close();
    const worker = await navigator.serviceWorker?.getRegistration();
    for (const shown of (await worker?.getNotifications()) ?? []) if (gone(shown.tag.slice("nexora-".length))) shown.close();
  }
}
