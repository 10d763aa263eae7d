// What there is to buy, and what is in the wallet to buy it with.

import { h } from "../dom.js";
import { amount } from "../money.js";
import { isServed } from "../parts.js";
import { linkToPart } from "../place.js";
import { isSignedIn, sessionKnown } from "../session.js";
import { picture, tabs } from "./parts-of-shop.js";
import { findWallet, getCatalogue } from "./shop-api.js";

/** The view of the catalogue; it is open to everybody. */
export async function openCatalogue(signal) {
  const [{ currency, goods }] = await Promise.all([getCatalogue(), sessionKnown()]);
  const wallet = isSignedIn() && isServed("wallet") ? await findWallet(signal) : null;
  const view = h("div", { class: "part" }, tabs(""),
    h("div", { class: "part-head" },
      h("h2", { id: "shop-heading", tabindex: "-1" }, "Catalogue"),
      walletLine(wallet, currency)),
    h("ul", { class: "goods" }, goods.map((product) => card(product, currency))));
  return { view, title: "Shop", said: `Catalogue, ${goods.length} goods` };
}

function walletLine(wallet, currency) {
  if (!isSignedIn()) {
    return h("p", { class: "note" }, h("a", { href: linkToPart("account"), "data-route": true }, "Sign in"), " to buy.");
  }
  return h("p", { class: "wallet-line" }, h("span", { class: "note" }, "In your wallet"), " ",
    h("b", {}, wallet ? amount(wallet.balance, wallet.currency) : amount(0, currency)), " ",
    h("a", { class: "quiet", href: linkToPart("shop", "wallet"), "data-route": true }, "Deposit"));
}

function card({ id, name, description, price, glyph }, currency) {
  return h("li", { class: "panel product" },
    picture(glyph),
    h("h3", {}, name),
    h("p", { class: "note" }, description),
    h("p", { class: "buy-line" },
      h("b", {}, amount(price, currency)),
      h("a", { class: "primary", href: linkToPart("shop", "buy", id), "data-route": true, "aria-label": `Buy ${name}` }, "Buy")));
}
