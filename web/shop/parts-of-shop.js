// What several places of the shop show: their tabs, the picture of a product, the state of a purchase.

import { h } from "../dom.js";
import { linkToPart } from "../place.js";

const SVG = "http://www.w3.org/2000/svg";

/** The tabs of the shop, with one of them marked: "", "purchases" or "wallet". */
export function tabs(current) {
  const tab = (name, ...path) => h("a", {
    href: linkToPart("shop", ...path), "data-route": true, "aria-current": (path[0] ?? "") === current ? "page" : null,
  }, name);
  return h("nav", { class: "tabs", "aria-label": "Shop" }, tab("Catalogue"), tab("Purchases", "purchases"), tab("Wallet", "wallet"));
}

/** The picture of a product. */
export function picture(glyph) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "picture");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `/web/goods.svg#${glyph}`);
  svg.append(use);
  return svg;
}

const STATES = {
  pending: ["waiting", "paying…"],
  approved: ["good", "paid"],
  rejected: ["bad", "not paid"],
  cancelled: ["", "cancelled"],
  refunding: ["waiting", "refund on its way"],
  refunded: ["", "refunded"],
};

/** A badge with the state of a purchase. */
export function stateBadge(status) {
  const [state, words] = STATES[status] ?? ["", status];
  return h("span", { class: `badge ${state}` }, words);
}
