// A product's page: who looks at it, and that it is gone.

import { byId } from "../chat/dom.js";
import { rt } from "../rt.js";
import { showViewers } from "../viewers.js";

const { channel } = byId("product").dataset;

function showSold() {
  const wasForSale = byId("sold").hidden;
  byId("sold").hidden = false;
  if (byId("buy")) byId("buy").hidden = true;
  byId("gone").hidden = !wasForSale;
}

showViewers(rt, byId("viewers"));
rt.subscribe(channel).bind("product:sold", showSold);
