// The orders of the service's HTTP API as this page uses them: two reads. Who may read is up to
// the service: anybody, who holds a key, or a person who is signed in and sees their own.

import { Problem, send } from "./http.js";
import { heldKey, keyRefused } from "./key.js";
import { asPerson } from "./person.js";
import { isSignedIn, sessionKnown } from "./session.js";

let closed = false; // whether the service has refused to answer without a credential

/** One order and its text, with where it was served from and how long that took. */
export async function getOrder(uid, signal) {
  const started = performance.now();
  const { body, text, headers } = await read(`/order/${encodeURIComponent(uid)}`, signal);
  const ms = performance.now() - started;
  return { order: body, text, cache: headers.get("X-Cache") ?? "", ms };
}

/** A page of orders, newest first: {orders, next_cursor}. Empty filters are left out. */
export async function listOrders(filters, signal) {
  const given = Object.entries(filters).filter(([, value]) => value);
  const { body } = await read(`/orders?${new URLSearchParams(given)}`, signal);
  return body;
}

/** Whether a plain link, which carries no credential, leads to an order. */
export function isReadingOpen() {
  return !heldKey() && !closed;
}

async function read(path, signal) {
  const key = heldKey();
  const personally = !key && closed && isSignedIn();
  try {
    if (personally) return await asPerson(path, { signal });
    return await send(path, { signal, headers: key ? { Authorization: `Bearer ${key}` } : {} });
  } catch (error) {
    if (!(error instanceof Problem) || error.kind !== "unauthorized") throw error;
    if (!key && !personally && await personMayHelp()) return read(path, signal);
    keyRefused(error, key);
    throw error;
  }
}

/** Whether it is worth asking again in the name of who is signed in. */
async function personMayHelp() {
  closed = true;
  await sessionKnown();
  return isSignedIn();
}
