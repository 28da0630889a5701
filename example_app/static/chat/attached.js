// A message's attachments as the page shows them.

import { element } from "./dom.js";
import { sizeOf } from "./text.js";

// What the server lets a page show; everything else is a download.
const SHOWN = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"];

/** One node with all of them; `attachments` as the API writes them. */
export function attached(attachments) {
  return element("div", { class: "attached" }, ...attachments.map((one) => (SHOWN.includes(one.type) ? image(one) : file(one))));
}

const urlOf = (one) => `/api/attachments/${encodeURIComponent(one.id)}`;

/** With its width and height: the list does not jump when the image comes. */
function image(one) {
  const picture = element("img", { src: urlOf(one), alt: one.name, width: one.width ?? null, height: one.height ?? null, loading: "lazy" });
  return element("a", { class: "attached-image", href: urlOf(one), target: "_blank" }, picture);
}

function file(one) {
  const size = element("small", {}, sizeOf(one.size));
  return element("a", { class: "attached-file", href: urlOf(one), download: one.name }, element("span", {}, one.name), size);
}
