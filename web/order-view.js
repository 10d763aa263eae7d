// One order laid out: who gets what, what was paid, the items, and whether the sums agree.

import { isReadingOpen } from "./api.js";
import { copyButton, h, icon } from "./dom.js";
import { count, grouped, languageOf, milliseconds, money, sum, timeElement } from "./format.js";
import { linkTo } from "./place.js";

/** The whole view of an answer of getOrder. */
export function orderView({ order, text, cache, ms }) {
  return h("article", { class: "order", "aria-labelledby": "order-heading" },
    header(order),
    delivery(order),
    payment(order.payment),
    items(order),
    technical(order),
    footer(order, text, cache, ms));
}

function header(order) {
  const { amount, currency } = order.payment;
  return h("header", { class: "panel head" },
    h("div", { class: "identity" },
      h("p", { class: "eyebrow" }, "Order"),
      h("div", { class: "with-copy" },
        h("h2", { id: "order-heading", class: "uid", tabindex: "-1" }, order.order_uid),
        copyButton(order.order_uid, "order id"))),
    h("p", { class: "total" },
      h("strong", {}, money(amount, currency)),
      h("span", {}, count(order.items.length, "item", "items"))),
    facts("row", [
      ["Placed", timeElement(order.date_created)],
      ["Track number", copyable(order.track_number, "track number")],
      ["Customer", h("a", { href: linkTo("customer_id", order.customer_id), "data-route": true, title: "All orders of this customer" }, order.customer_id)],
    ]));
}

/** The attributes of an element whose text people wrote, in the language and direction of the order. */
function written(order) {
  return { dir: "auto", lang: languageOf(order.locale) };
}

function delivery(order) {
  const { delivery: to, delivery_service: service } = order;
  return h("section", { class: "panel halves", "aria-labelledby": "delivery-heading" },
    h("h3", { id: "delivery-heading" }, "Delivery"),
    h("address", {},
      h("strong", written(order), to.name),
      h("span", written(order), to.address),
      h("span", written(order), `${to.zip} ${to.city}`),
      h("span", written(order), to.region)),
    facts("", [
      ["Phone", h("a", { href: `tel:${to.phone.replace(/[^+\d]/g, "")}` }, to.phone)],
      ["Email", h("a", { href: `mailto:${encodeURIComponent(to.email)}` }, to.email)],
      ["Service", service],
    ]));
}

function payment(paid) {
  const added = sum([paid.goods_total, paid.delivery_cost, paid.custom_fee]);
  return h("section", { class: "panel halves", "aria-labelledby": "payment-heading" },
    h("h3", { id: "payment-heading" }, "Payment"),
    h("div", {}, totals(paid), check(added, paid.amount, "amount", paid.currency)),
    facts("", [
      ["Paid", timeElement(String(paid.payment_dt))],
      ["Provider", paid.provider],
      ["Bank", paid.bank],
      ["Transaction", copyable(paid.transaction, "transaction")],
      ["Request id", paid.request_id],
    ]));
}

function totals(paid) {
  const line = (name, amount, className) =>
    h("div", { class: className }, h("dt", {}, name), h("dd", {}, money(amount, paid.currency)));
  return h("dl", { class: "totals" },
    line("Goods", paid.goods_total),
    line("Delivery", paid.delivery_cost),
    line("Custom fee", paid.custom_fee),
    line("Amount", paid.amount, "grand"));
}

/** Whether a sum agrees with what the order says; a difference must catch the eye. */
function check(added, said, name, currency) {
  if (added === BigInt(said)) return h("p", { class: "check ok" }, icon("check"), `Adds up to the ${name}`);
  return h("p", { class: "check off" }, icon("warn"),
    `Adds up to ${money(added, currency)}, but the ${name} is ${money(said, currency)}`);
}

// The roles are spelled out because the phone layout turns rows into blocks, which
// takes the table's meaning away from screen readers.
const cell = (label, className, ...children) =>
  h("td", { role: "cell", class: className, "data-label": label }, ...children);

function items(order) {
  const { currency, goods_total: goodsTotal } = order.payment;
  const total = sum(order.items.map((item) => item.total_price));
  return h("section", { class: "panel items", "aria-labelledby": "items-heading" },
    h("h3", { id: "items-heading" }, "Items ", h("span", { class: "count" }, grouped(order.items.length))),
    h("table", { role: "table", "aria-labelledby": "items-heading" },
      itemsHead(currency),
      h("tbody", { role: "rowgroup" }, order.items.map((item) => itemRow(item, order, currency))),
      h("tfoot", { role: "rowgroup" }, h("tr", { role: "row" },
        h("th", { role: "rowheader", scope: "row", colspan: "5" }, "Items together"),
        h("td", { role: "cell", class: "number" }, money(total, currency))))),
    check(total, goodsTotal, "goods total", currency));
}

function itemsHead(currency) {
  const head = (className, ...children) => h("th", { role: "columnheader", scope: "col", class: className }, ...children);
  const unit = () => h("span", { class: "unit" }, ` ${currency}`);
  return h("thead", { role: "rowgroup" }, h("tr", { role: "row" },
    head(null, "Item"), head(null, "Size"), head("number", "Status"),
    head("number", "Price", unit()), head("number", "Sale"), head("number", "Total", unit())));
}

function itemRow(item, order, currency) {
  return h("tr", { role: "row" },
    h("th", { role: "rowheader", scope: "row" },
      h("span", { class: "name", ...written(order) }, item.name),
      h("span", { class: "brand-name", ...written(order) }, item.brand),
      h("span", { class: "codes" }, codes(item, order))),
    cell("Size", null, item.size),
    cell("Status", "number", String(item.status)),
    cell(`Price ${currency}`, "number", grouped(item.price)),
    cell("Sale", "number", item.sale ? `−${grouped(item.sale)}\u00a0%` : "–"),
    cell(`Total ${currency}`, "number strong", grouped(item.total_price)));
}

function codes(item, order) {
  const shown = [["Article", item.nm_id], ["Variant", item.chrt_id], ["Rid", item.rid]];
  if (item.track_number !== order.track_number) shown.push(["Track", item.track_number]);
  return shown.map(([name, value]) => h("span", {}, `${name} ${value}`));
}

function technical(order) {
  return h("details", { class: "panel" },
    h("summary", {}, "Technical fields"),
    facts("row", [
      ["Entry", order.entry],
      ["Locale", order.locale],
      ["Shard key", order.shardkey],
      ["OOF shard", order.oof_shard],
      ["SM id", String(order.sm_id)],
      ["Internal signature", order.internal_signature],
    ]));
}

const SERVED_FROM = { local: "the service's memory", hit: "the cache", miss: "the database" };

// A link carries no key and no token: where one is needed, it leads to the text that is here already.
function rawAddress(uid, text) {
  if (isReadingOpen()) return `/order/${encodeURIComponent(uid)}`;
  return URL.createObjectURL(new Blob([text], { type: "application/json" }));
}

function footer(order, text, cache, ms) {
  const raw = rawAddress(order.order_uid, text);
  const here = new URL(linkTo("order", order.order_uid), location.href).href;
  return h("footer", { class: "foot" },
    h("p", { class: "note", id: "served" },
      SERVED_FROM[cache] ? `Served from ${SERVED_FROM[cache]} in ${milliseconds(ms)}` : `Served in ${milliseconds(ms)}`),
    h("p", { class: "actions" },
      copyButton(here, "link to this order", "Copy link", "link"),
      h("a", { class: "quiet", href: raw }, "Raw JSON"),
      h("a", { class: "quiet", href: "/swagger/" }, "API docs")));
}

/** Names and values; what is empty says so. */
function facts(className, pairs) {
  const value = (given) => (given === "" ? h("span", { class: "none" }, "none") : given);
  return h("dl", { class: `facts ${className}` }, pairs.map(([name, given]) =>
    h("div", {}, h("dt", {}, name), h("dd", { dir: "auto" }, value(given)))));
}

function copyable(value, label) {
  return h("span", { class: "with-copy" }, h("span", { class: "code" }, value), copyButton(value, label));
}
