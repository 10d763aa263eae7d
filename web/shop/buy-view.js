// Buying one product: how many, where it goes, what it costs.

import { getInfo } from "../account/account-api.js";
import { h } from "../dom.js";
import { field, form } from "../form.js";
import { Problem } from "../http.js";
import { intent } from "../intent.js";
import { amount } from "../money.js";
import { linkToPart } from "../place.js";
import { personId } from "../session.js";
import { picture, tabs } from "./parts-of-shop.js";
import { buy, findWallet, getCatalogue, listPurchases } from "./shop-api.js";

const MAX_QUANTITY = 10_000;

// What was typed and what was intended, by person and product: another visit goes on with it.
const drafts = new Map();

/** The view of buying a product. */
export async function openBuying(id, signal, go) {
  const { currency, goods } = await getCatalogue();
  const product = goods.find((each) => each.id === id);
  if (!product) throw new Problem("not-found");
  const [wallet, usual] = await Promise.all([findWallet(signal), usualDelivery(signal)]);
  const draft = draftOf(id, usual);
  const view = h("div", { class: "part" }, tabs(""), buyPanel({ product, currency, wallet, draft, go }));
  return { view, title: product.name, said: `Buy ${product.name}` };
}

function draftOf(id, usual) {
  const name = `${personId()} ${id}`;
  if (!drafts.has(name)) drafts.set(name, { values: { quantity: "1", ...usual }, once: intent() });
  return drafts.get(name);
}

/** Where the last purchase went, or what the account knows. */
async function usualDelivery(signal) {
  const [{ purchases }, info] = await Promise.all([listPurchases(null, signal), getInfo(signal)]);
  const last = purchases.find(({ delivery }) => delivery)?.delivery;
  return last ?? { name: info.name ?? "", email: info.email ?? (info.login.includes("@") ? info.login : "") };
}

function buyPanel({ product, currency, wallet, draft, go }) {
  const total = h("b", {});
  const short = h("p", { class: "note short", role: "status" });
  const payable = wallet === null || wallet.currency === currency;
  const element = form(
    {
      label: `Buy ${product.name}`,
      submit: "Buy now",
      className: "buy-form",
      draft: draft.values,
      check: faultsOf,
      send: async (values) => {
        if (!payable) throw new Problem("malformed", { detail: `The goods are priced in ${currency}, your wallet is in ${wallet.currency}.` });
        const wish = wishFor(product, values);
        const { id } = await draft.once(wish, (key) => buy(wish, key));
        draft.values.quantity = "1";
        go(linkToPart("shop", "purchases", id), { moveFocus: true });
      },
    },
    field({ name: "quantity", label: "Quantity", type: "number", min: 1, max: MAX_QUANTITY, step: 1, inputmode: "numeric", value: "1" }),
    h("fieldset", { class: "delivery" }, h("legend", {}, "Deliver to"), deliveryFields()),
    h("div", { class: "sum-line" }, h("span", {}, "Total"), total),
    short);
  const count = () => showTotal(element, { product, currency, wallet, total, short });
  element.elements.quantity.addEventListener("input", count);
  count();
  return h("section", { class: "panel buying", "aria-labelledby": "buy-heading" }, productHead(product, currency), element);
}

function productHead({ name, description, price, glyph }, currency) {
  return h("div", { class: "product-head" }, picture(glyph),
    h("div", {},
      h("h2", { id: "buy-heading", tabindex: "-1" }, name),
      h("p", { class: "note" }, description),
      h("p", {}, h("b", {}, amount(price, currency)))));
}

function showTotal(element, { product, currency, wallet, total, short }) {
  const quantity = quantityOf(element.elements.quantity.value);
  const sum = BigInt(product.price) * BigInt(quantity ?? 0);
  total.textContent = quantity ? amount(sum, currency) : "–";
  const missing = sum - BigInt(wallet?.balance ?? 0);
  if (missing <= 0n) return short.replaceChildren(`Paid from your wallet, which holds ${amount(wallet?.balance ?? 0, currency)}.`);
  return short.replaceChildren(`Your wallet holds ${amount(wallet?.balance ?? 0, currency)}: ${amount(missing, currency)} is missing. `,
    h("a", { href: linkToPart("shop", "wallet"), "data-route": true }, "Deposit"));
}

function deliveryFields() {
  const text = (name, label, autocomplete, more = {}) => field({ name, label, autocomplete, maxlength: 255, ...more });
  return [
    text("name", "Name", "name"),
    text("phone", "Phone", "tel", { type: "tel" }),
    text("email", "E-mail", "email", { type: "email" }),
    text("address", "Address", "street-address"),
    text("zip", "Postal code", "postal-code"),
    text("city", "City", "address-level2"),
    text("region", "Region", "address-level1"),
  ];
}

function faultsOf({ quantity, email }) {
  const faults = {};
  if (quantity && !quantityOf(quantity)) faults.quantity = `A whole number from 1 to ${MAX_QUANTITY}.`;
  if (email.trim() && !/^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$/.test(email.trim())) faults.email = "This is no e-mail address.";
  return faults;
}

function quantityOf(text) {
  const quantity = /^\d{1,5}$/.test(text.trim()) ? Number(text) : 0;
  return quantity >= 1 && quantity <= MAX_QUANTITY ? quantity : null;
}

function wishFor({ id, name, price }, { quantity, ...delivery }) {
  const trimmed = Object.fromEntries(Object.entries(delivery).map(([key, value]) => [key, value.trim()]));
  return { product_id: id, description: name, quantity: quantityOf(quantity), price, delivery: trimmed };
}
