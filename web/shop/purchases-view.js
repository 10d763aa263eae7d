// All purchases of the person, newest first.

import { h } from "../dom.js";
import { agoTime, timeElement } from "../format.js";
import { sequence } from "../lists.js";
import { amount } from "../money.js";
import { linkToPart } from "../place.js";
import { stateBadge, tabs } from "./parts-of-shop.js";
import { listPurchases } from "./shop-api.js";

/** The view of the list. */
export async function openPurchases(signal) {
  const page = await listPurchases(null, signal);
  const list = page.purchases.length
    ? sequence({
      className: "rows links", page, items: (next) => next.purchases, row, more: (cursor) => listPurchases(cursor, signal), what: "purchases",
    })
    : nothingYet();
  const view = h("div", { class: "part" }, tabs("purchases"),
    h("section", { class: "panel", "aria-labelledby": "purchases-heading" },
      h("h2", { id: "purchases-heading", tabindex: "-1" }, "Purchases"), list));
  return { view, title: "Purchases", said: "Purchases" };
}

function nothingYet() {
  return h("p", { class: "note" }, "Nothing yet. ", h("a", { href: linkToPart("shop"), "data-route": true }, "Look at the catalogue"));
}

function row(purchase) {
  const { id, description, quantity, status, currency, created_at: created } = purchase;
  return h("li", {},
    h("a", { class: "what", href: linkToPart("shop", "purchases", id), "data-route": true },
      h("strong", { dir: "auto" }, quantity > 1 ? `${description} × ${quantity}` : description),
      h("span", { class: "note" }, timeElement(created, agoTime))),
    h("b", { class: "change" }, amount(purchase.amount, currency)),
    stateBadge(status));
}
