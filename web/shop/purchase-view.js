// One purchase: what became of it, as it happens, and what can be done about it.

import { getOrder } from "../api.js";
import { announce, h, icon } from "../dom.js";
import { explain, whilePending } from "../form.js";
import { timeElement } from "../format.js";
import { Problem } from "../http.js";
import { amount } from "../money.js";
import { linkTo, linkToPart } from "../place.js";
import { tabs } from "./parts-of-shop.js";
import { changePurchase, findWallet, getPurchase } from "./shop-api.js";
import { isOpen, pause, watchPurchase } from "./watch-purchase.js";

const ORDER_TRIES = 8;
const LONG_MS = 30_000; // a purchase that waits for longer can be asked for again

const SAID = {
  pending: ["waiting", "Paying from your wallet…", "This takes a moment. You may leave: it goes on without you."],
  approved: ["good", "Paid", "Thank you. The money has been taken from your wallet."],
  rejected: ["bad", "Not paid", ""],
  cancelled: ["", "Cancelled", "Nothing is taken from your wallet; what had been taken is given back."],
  refunding: ["waiting", "The refund is on its way…", "The money will be in your wallet in a moment."],
  refunded: ["", "Refunded", "The money is back in your wallet."],
};

const REASONS = {
  no_wallet: "You have no wallet yet. A deposit opens one.",
  insufficient_funds: "There is not enough money in your wallet. Nothing was taken.",
  amount_too_large: "This is more than can be paid at once. Nothing was taken.",
};

/** The view of a purchase, which follows it until `signal` ends that. */
export async function openPurchase(id, signal) {
  const purchase = await getPurchase(id, signal);
  const state = h("div", { class: "purchase-state" });
  const lost = h("p", { class: "note", role: "status" });
  const rest = h("section", { class: "panel halves", "aria-labelledby": "details-heading" });
  const view = h("div", { class: "part" }, tabs("purchases"),
    h("section", { class: "panel purchase", "aria-labelledby": "purchase-heading" }, head(purchase), state, lost), rest);
  let following = new AbortController();
  const draw = (now) => {
    show(state, now, follow, signal);
    rest.replaceChildren(...details(now));
  };
  const heard = (now) => {
    announce(SAID[now.status][1]);
    draw(now);
  };
  const follow = (now) => {
    following.abort();
    following = new AbortController();
    draw(now);
    watchPurchase(now, heard, (away) => {
      lost.textContent = away ? "The connection is lost. Trying again by itself." : "";
    }, AbortSignal.any([signal, following.signal]));
  };
  follow(purchase);
  if (purchase.status === "pending" && ageOf(purchase) < LONG_MS) offerLater(purchase, state, draw, signal);
  return { view, title: purchase.description, said: `${purchase.description}: ${SAID[purchase.status][1]}` };
}

function ageOf({ created_at: created }) {
  return Date.now() - Date.parse(created);
}

/** Draws a purchase anew once it has waited for long, unless it changed meanwhile. */
async function offerLater(purchase, state, draw, signal) {
  await pause(LONG_MS - ageOf(purchase), signal);
  if (!signal.aborted && state.dataset.status === "pending") draw(purchase);
}

function head({ description, quantity, price, currency, amount: sum }) {
  return h("header", { class: "head" },
    h("div", {},
      h("p", { class: "eyebrow" }, "Purchase"),
      h("h2", { id: "purchase-heading", tabindex: "-1", dir: "auto" }, description)),
    h("p", { class: "total" }, h("strong", {}, amount(sum, currency)),
      h("span", {}, quantity > 1 ? `${quantity} × ${amount(price, currency)}` : "1 piece")));
}

function show(place, purchase, follow, signal) {
  const [tone, words, about] = SAID[purchase.status];
  place.dataset.status = purchase.status;
  const hadFocus = place.contains(document.activeElement);
  place.replaceChildren(
    h("p", { class: `verdict ${tone}` }, glyphOf(tone), h("strong", { tabindex: "-1" }, words)),
    h("p", {}, REASONS[purchase.reason] ?? about),
    actions(purchase, follow));
  if (hadFocus) place.querySelector("strong").focus();
  if (!isOpen(purchase)) showRest(place, purchase, signal);
}

function glyphOf(tone) {
  if (tone === "waiting") return h("span", { class: "spinner", "aria-hidden": "true" });
  return icon(tone === "bad" ? "warn" : "check");
}

// --- what can be done ---

function actions(purchase, follow) {
  const trouble = h("p", { class: "form-error", role: "alert" });
  const act = (how) => async (button) => whilePending(button, async () => {
    trouble.textContent = "";
    try {
      const now = await changePurchase(purchase.id, how);
      announce(SAID[now.status][1]);
      follow(now);
    } catch (error) {
      trouble.textContent = explain(error);
    }
  });
  return h("div", {}, h("p", { class: "actions" }, offers(purchase, act)), trouble);
}

function offers(purchase, act) {
  const { status, reason, product_id: product, currency } = purchase;
  const link = (words, ...path) => h("a", { class: "quiet", href: linkToPart("shop", ...path), "data-route": true }, words);
  switch (status) {
    case "pending": return [button("Cancel", act("cancellation")), ageOf(purchase) >= LONG_MS && button("Ask again", act("retry"))];
    case "approved": return [button("Return it", act("refund"), "Return it and get the money back?")];
    case "rejected": return [reason !== "amount_too_large" && link("Deposit", "wallet"), link("Try again", "buy", product)];
    case "refunded": return [link(`See your wallet (${currency})`, "wallet")];
    default: return [];
  }
}

/** A button; with a question, its first click asks. */
function button(words, act, question = "") {
  const element = h("button", { type: "button", class: "quiet" }, words);
  let asked = !question;
  element.addEventListener("click", () => {
    if (asked) return act(element);
    asked = true;
    element.textContent = question;
    element.classList.add("danger");
    announce(question);
  });
  return element;
}

// --- what comes behind it ---

/** What is left in the wallet, and the order once it is found. */
function showRest(place, purchase, signal) {
  const line = h("p", { class: "note" });
  place.append(line);
  findWallet(signal).then((wallet) => {
    if (wallet) line.textContent = `Your wallet holds ${amount(wallet.balance, wallet.currency)}.`;
  }).catch(() => {});
  if (purchase.order_uid) showOrder(place, purchase.order_uid, signal);
}

async function showOrder(place, uid, signal) {
  const line = h("span", { class: "order-line", role: "status" }, h("span", { class: "note" }, "Your order is being written…"));
  place.querySelector(".actions").prepend(line);
  const found = await isFound(uid, line, signal);
  if (signal.aborted) return;
  line.replaceChildren(found
    ? h("a", { class: "quiet strong-link", href: linkTo("order", uid), "data-route": true }, "Open the order")
    : h("a", { href: linkTo("order", uid), "data-route": true }, "The order is still on its way: look for it"));
}

/** Whether the order has arrived; it takes its own way, so it is looked for several times. */
async function isFound(uid, line, signal) {
  for (let tries = 0; tries < ORDER_TRIES && !signal.aborted; tries += 1) {
    try {
      await getOrder(uid, signal);
      return true;
    } catch (error) {
      if (!(error instanceof Problem) || error.kind === "unauthorized") return false;
    }
    await pause(500 * 1.7 ** tries, signal);
    if (!line.isConnected) return false; // not before: the view is shown after it was made
  }
  return false;
}

function details({ id, created_at: created, settled_at: settled, delivery }) {
  const fact = (name, value) => h("div", {}, h("dt", {}, name), h("dd", { dir: "auto" }, value));
  return [
    h("h3", { id: "details-heading" }, "Details"),
    delivery
      ? h("address", {}, h("strong", { dir: "auto" }, delivery.name), h("span", { dir: "auto" }, delivery.address),
        h("span", { dir: "auto" }, `${delivery.zip} ${delivery.city}`), h("span", { dir: "auto" }, delivery.region),
        h("span", { dir: "auto" }, delivery.phone), h("span", { dir: "auto" }, delivery.email))
      : h("p", { class: "note" }, "Nothing is delivered."),
    h("dl", { class: "facts" },
      fact("Bought", timeElement(created)),
      settled && fact("Settled", timeElement(settled)),
      fact("Number", h("span", { class: "code" }, id))),
  ];
}
