// A product's page: who looks at it, and that it is gone.

import { byId } from "../chat/dom.js";
import { showViewers } from "../viewers.js";

const rt = window.NexoraRT.default;
const { channel } = byId("product").dataset;

function showSold() {
  const wasForSale = byId("sold").hidden;
  byId("sold").hidden = false;
  if (byId("buy")) byId("buy").hidden = true;
  byId("gone").hidden = !wasForSale;
}

showViewers(rt, byId("viewers"));
rt.subscribe(channel).bind("product:sold", showSold);
