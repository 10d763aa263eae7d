// A list of order summaries, each row a link to its order. Rows are reused from one
// update to the next, so focus and hover survive a refresh.

import { h } from "./dom.js";
import { agoTime, count, money, timeElement } from "./format.js";
import { linkTo } from "./place.js";

/** Makes `list` show exactly `orders`, in their order; returns the rows that are new. */
export function updateRows(list, orders) {
  const known = new Map([...list.children].map((row) => [row.dataset.uid, row]));
  const added = [];
  const rows = orders.map((order) => {
    const row = known.get(order.order_uid) ?? newRow(order, added);
    row.querySelector(".facts").replaceChildren(...facts(order));
    return row;
  });
  placeRows(list, rows);
  return added;
}

/** Marks the row of the order that is on display. */
export function markCurrent(list, uid) {
  for (const row of list.children) {
    const current = row.dataset.uid === uid;
    if (current) row.firstChild.setAttribute("aria-current", "page");
    else row.firstChild.removeAttribute("aria-current");
  }
}

function newRow(order, added) {
  const link = h("a", { href: linkTo("order", order.order_uid), "data-route": true },
    h("span", { class: "uid" }, order.order_uid),
    h("span", { class: "facts" }));
  const row = h("li", { "data-uid": order.order_uid }, link);
  added.push(row);
  return row;
}

function facts(order) {
  return [
    h("span", {}, timeElement(order.date_created, agoTime), ` · ${count(order.item_count, "item", "items")}`),
    h("span", { class: "amount" }, money(order.amount, order.currency)),
  ];
}

// Moving a focused node would drop its focus: only rows that are out of place move.
function placeRows(list, rows) {
  const wanted = new Set(rows);
  for (const row of [...list.children]) if (!wanted.has(row)) row.remove();
  rows.forEach((row, index) => {
    if (list.children[index] !== row) list.insertBefore(row, list.children[index] ?? null);
  });
}
