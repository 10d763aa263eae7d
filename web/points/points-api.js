// Points: numbers of orders and what they earned, the balance, and what was spent.

import { asPerson } from "../person.js";
import { personId, sessionKnown } from "../session.js";

const PAGE = 10;

/** {current, withdrawn} */
export async function getBalance(signal) {
  const { body } = await asPerson("/api/user/balance", { signal });
  return body;
}

/** A page of uploaded numbers, newest first: {items, next_cursor}. */
export function listNumbers(cursor, signal) {
  return page("/api/user/orders", cursor, signal);
}

/** A page of withdrawals, newest first: {items, next_cursor}. */
export function listWithdrawals(cursor, signal) {
  return page("/api/user/withdrawals", cursor, signal);
}

/** A page of how points came and went, newest first: {items, next_cursor}. */
export async function listMovements(cursor, signal) {
  await sessionKnown(); // whose they are is part of the path
  return page(`/loyalty/${personId()}/entries`, cursor, signal);
}

/** Uploads the number of an order; tells whether it is new. */
export async function uploadNumber(number) {
  const headers = { "Content-Type": "text/plain" };
  const { status } = await asPerson("/api/user/orders", { method: "POST", headers, body: number });
  return status === 202;
}

/** Pays for an order with points; `sum` is a plain decimal, sent digit by digit. */
export async function withdraw({ order, sum }, key) {
  await asPerson("/api/user/balance/withdraw", {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": key },
    body: `{"order":${JSON.stringify(order)},"sum":${sum}}`,
  });
}

async function page(path, cursor, signal) {
  const query = new URLSearchParams({ limit: PAGE, ...(cursor && { cursor }) });
  const { body, headers } = await asPerson(`${path}?${query}`, { signal });
  return { items: body ?? [], next_cursor: nextCursor(headers.get("Link")) };
}

/** The cursor in a header `Link: </path?cursor=7>; rel="next"`. */
function nextCursor(link) {
  const target = /<([^>]+)>;\s*rel="next"/.exec(link ?? "")?.[1];
  return target ? new URL(target, location.href).searchParams.get("cursor") : null;
}
