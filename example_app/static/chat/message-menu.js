// What can be done with one message: reactions, and for who may, edit and delete.

import { byId, button } from "./dom.js";

const KEYS = ["👍", "❤️", "🎉", "😂", "👀", "✅"];
const GAP_PX = 6;

export class MessageMenu {
  constructor(people, { onReact, onEdit, onDelete }) {
    Object.assign(this, { people, onReact });
    this.node = byId("menu");
    byId("menu-edit").addEventListener("click", () => this.act(onEdit));
    byId("menu-delete").addEventListener("click", () => this.act((row) => this.confirm(row, onDelete)));
    byId("talk").addEventListener("scroll", () => this.follow());
  }

  open(row) {
    this.row = row;
    const mayChange = row.isMine || this.people.moderates;
    byId("menu-edit").hidden = byId("menu-delete").hidden = !mayChange;
    byId("menu-reactions").replaceChildren(...KEYS.map((key) => this.reaction(row.message, key)));
    this.node.showPopover();
    this.moveTo(row.body.getBoundingClientRect(), row.isMine);
    this.node.querySelector("button").focus();
  }

  reaction(message, key) {
    const mine = message.reactions[key]?.userIds.includes(this.people.me) ?? false;
    return button(key, () => this.act((row) => this.onReact(row.message, key)), {
      class: "menu-reaction",
      "aria-label": `${mine ? "Take back" : "React with"} ${key}`,
      "aria-pressed": mine,
    });
  }

  /** Above the message where there is room, else below it, and never outside of the window. */
  moveTo(box, alignRight) {
    const { offsetWidth: width, offsetHeight: height } = this.node;
    const left = alignRight ? box.right - width : box.left;
    const top = box.top - height - GAP_PX > 0 ? box.top - height - GAP_PX : box.bottom + GAP_PX;
    this.node.style.left = `${Math.max(GAP_PX, Math.min(left, innerWidth - width - GAP_PX))}px`;
    this.node.style.top = `${Math.min(top, innerHeight - height - GAP_PX)}px`;
  }

  /** What is said meanwhile moves the message: the menu goes with it, and closes when it is out of sight. */
  follow() {
    if (!this.node.matches(":popover-open")) return;
    const box = this.row.body.getBoundingClientRect(), seen = byId("talk").getBoundingClientRect();
    if (box.bottom < seen.top || box.top > seen.bottom) this.close();
    else this.moveTo(box, this.row.isMine);
  }

  close() {
    if (this.node.matches(":popover-open")) this.node.hidePopover();
  }

  act(what) {
    this.close();
    what(this.row);
  }

  confirm(row, onDelete) {
    const dialog = byId("confirm");
    dialog.returnValue = "keep";
    dialog.onclose = () => {
      row.node.focus();
      if (dialog.returnValue === "delete") onDelete(row.message);
    };
    dialog.showModal();
  }
}
