// Who else has this page open: up to three faces and "2 people viewing".

import { presenceStore } from "/api/realtime/assets/nexora-stores.js";
import { colourOf, element } from "./chat/dom.js";

const MOST_FACES = 3;

/** Follows the presence channel of `node` and shows its members there. */
export function showViewers(rt, node) {
  const store = presenceStore(rt, node.dataset.channel);
  const draw = () => node.replaceChildren(...picture(store.getSnapshot()));
  store.subscribe(draw);
  draw();
}

function picture({ members, count }) {
  if (!count) return [];
  const faces = members.slice(0, MOST_FACES).map(({ id, name }) => element("span", { class: "avatar avatar-small", "data-colour": colourOf(id), title: name, role: "img", "aria-label": name }, name[0]));
  const more = count > faces.length ? [element("span", { class: "avatar avatar-small viewers-more" }, `+${count - faces.length}`)] : [];
  return [element("span", { class: "viewers-faces" }, ...faces, ...more), element("span", { class: "viewers-count" }, `${count} ${count === 1 ? "person" : "people"} viewing`)];
}
