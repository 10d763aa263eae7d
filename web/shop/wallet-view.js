// The wallet: what is in it, putting money in, and how it came and went.

import { h } from "../dom.js";
import { field, form } from "../form.js";
import { timeElement } from "../format.js";
import { Problem } from "../http.js";
import { intent } from "../intent.js";
import { sequence } from "../lists.js";
import { amount, placesOf, readDecimal, toMinor } from "../money.js";
import { linkToPart } from "../place.js";
import { tabs } from "./parts-of-shop.js";
import { deposit, findWallet, getCatalogue, listEntries, openWallet } from "./shop-api.js";

const once = intent();

/** The view of the wallet. */
export async function openWalletView(signal) {
  const [wallet, { currency }] = await Promise.all([findWallet(signal), getCatalogue()]);
  const entries = h("div", {});
  const balance = h("strong", { class: "big" });
  const draw = async (now) => {
    balance.textContent = amount(now?.balance ?? 0, now?.currency ?? currency);
    entries.replaceChildren(entriesPanel(now, now ? await listEntries(null, signal) : { entries: [] }, signal));
  };
  await draw(wallet);
  const view = h("div", { class: "part" }, tabs("wallet"),
    h("section", { class: "panel pair-inside", "aria-labelledby": "wallet-heading" },
      h("div", {},
        h("p", { class: "eyebrow" }, "In your wallet"),
        h("h2", { id: "wallet-heading", tabindex: "-1", "aria-label": "Your wallet" }, balance)),
      depositForm(wallet?.currency ?? currency, draw)),
    entries);
  return { view, title: "Wallet", said: `Your wallet holds ${balance.textContent}` };
}

function depositForm(currency, draw) {
  const places = placesOf(currency);
  const done = h("p", { class: "check ok", role: "status" });
  const element = form(
    {
      label: "Deposit",
      submit: "Deposit",
      check: ({ amount: text }) => (text.trim() && !readDecimal(text, places) ? { amount: wording(places) } : {}),
      send: async ({ amount: text }, built) => {
        const minor = toMinor(readDecimal(text, places), places);
        await openWallet();
        const told = await once(String(minor), (key) => deposit(minor, key)).catch((error) => refused(error, currency));
        built.reset();
        done.textContent = `${amount(told.amount, told.currency)} is in your wallet now.`;
        await draw(told).catch(ignoreTrouble);
      },
    },
    field({
      name: "amount", label: `Amount in ${currency}`, inputmode: "decimal", autocomplete: "transaction-amount", maxlength: 20,
      hint: "A demonstration: no card is charged.",
    }),
    done);
  element.addEventListener("input", () => {
    done.textContent = "";
  });
  return element;
}

/** The service counts in minor units; the one who typed does not. */
function refused(error, currency) {
  const most = /at most (\d+)/.exec(error.fields?.amount ?? "")?.[1];
  if (most) error.fields.amount = `At most ${amount(most, currency)}.`;
  throw error;
}

function wording(places) {
  return places ? `An amount above zero with at most ${places} decimals, such as 25.00.` : "A whole amount above zero.";
}

/** The money is there, whether or not that can be shown at once. */
function ignoreTrouble(error) {
  if (!(error instanceof Problem)) throw error;
}

const KINDS = { deposit: "Deposit", purchase: "Purchase", reversal: "Given back" };

function entriesPanel(wallet, page, signal) {
  return h("section", { class: "panel", "aria-labelledby": "entries-heading" },
    h("h3", { id: "entries-heading" }, "Movements"),
    page.entries.length
      ? sequence({
        className: "rows", page, items: (next) => next.entries, row: (entry) => entryRow(entry, wallet.currency),
        more: (cursor) => listEntries(cursor, signal), what: "movements",
      })
      : h("p", { class: "note" }, "Nothing has moved yet. Make a deposit, and you can buy."));
}

function entryRow({ kind, change, balance, purchase, created_at: created }, currency) {
  const name = h("strong", {}, KINDS[kind] ?? kind);
  const place = purchase
    ? h("a", { href: linkToPart("shop", "purchases", purchase), "data-route": true, "aria-label": `${KINDS[kind] ?? kind}: open the purchase` }, name)
    : name;
  return h("li", { tabindex: "-1" },
    h("div", { class: "what" }, place, h("span", { class: "note" }, timeElement(created))),
    h("span", { class: "change" },
      h("b", { class: BigInt(change) > 0n ? "good" : "" }, amount(change, currency, "always")),
      h("span", { class: "note" }, `then ${amount(balance, currency)}`)));
}
