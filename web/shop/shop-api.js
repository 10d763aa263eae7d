// The wallet and the purchases of the person who is signed in, and what there is to buy.

import { Problem, send } from "../http.js";
import { asPerson } from "../person.js";

const PAGE = 10;

let catalogue = null;

/** What there is to buy: {currency, goods: [{id, name, description, price, glyph}]}. */
export function getCatalogue() {
  catalogue ??= send("/web/catalogue.json").then(({ body }) => body).catch((error) => {
    catalogue = null;
    throw error;
  });
  return catalogue;
}

/** The wallet {id, currency, balance}; null if there is none yet. */
export async function findWallet(signal) {
  try {
    const { body } = await asPerson("/wallet", { signal });
    return body;
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return null;
    throw error;
  }
}

/** Opens the wallet; asked again, it is the same one. */
export async function openWallet() {
  const { body } = await asPerson("/wallet", { method: "POST" });
  return body;
}

/** Puts money in; `minor` is a BigInt. Answers {id, amount, currency, balance}. */
export async function deposit(minor, key) {
  const headers = { "Content-Type": "application/json", "Idempotency-Key": key };
  const { body } = await asPerson("/wallet/deposits", { method: "POST", headers, body: `{"amount":${minor}}` });
  return body;
}

/** A page of what moved in the wallet, newest first: {entries, next_cursor}. */
export function listEntries(cursor, signal) {
  return page("/wallet/entries", cursor, signal);
}

/** Buys; answers {id, status}. */
export async function buy(wish, key) {
  const headers = { "Content-Type": "application/json", "Idempotency-Key": key };
  const { body } = await asPerson("/purchases", { method: "POST", headers, body: JSON.stringify(wish) });
  return body;
}

/** One purchase. */
export async function getPurchase(id, signal) {
  const { body } = await asPerson(purchasePath(id), { signal });
  return body;
}

/** A page of purchases, newest first: {purchases, next_cursor}. */
export function listPurchases(cursor, signal) {
  return page("/purchases", cursor, signal);
}

/** Takes a purchase back: `how` is "cancellation", "refund", or "retry" to have it paid at last. */
export async function changePurchase(id, how) {
  const { body } = await asPerson(`${purchasePath(id)}/${how}`, { method: "POST" });
  return body;
}

/** The path of a purchase. */
export function purchasePath(id) {
  return `/purchases/${encodeURIComponent(id)}`;
}

async function page(path, cursor, signal) {
  const query = new URLSearchParams({ limit: PAGE, ...(cursor && { cursor }) });
  const { body } = await asPerson(`${path}?${query}`, { signal });
  return body;
}
