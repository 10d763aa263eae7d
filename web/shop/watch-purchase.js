// Follows a purchase until it is settled: by the stream of its events, and by asking again where
// the stream does not come about.

import { Problem } from "../http.js";
import { getPurchase, purchasePath } from "./shop-api.js";
import { readEvents } from "./events.js";

const OPEN = new Set(["pending", "refunding"]);
const FIRST_MS = 1_000;
const LIMIT_MS = 15_000;
const STREAMED_MS = 5_000; // a stream that lasted so long is no reason to wait for the next one

/** Whether a purchase may still change by itself. */
export function isOpen({ status }) {
  return OPEN.has(status);
}

/** Calls `hear(purchase)` with each new state, and `lost(true|false)` as the connection goes and comes. */
export async function watchPurchase(purchase, hear, lost, signal) {
  let now = purchase;
  let wait = FIRST_MS;
  const take = (next) => {
    lost(false);
    if (next.status !== now.status) hear(next);
    now = next;
  };
  while (isOpen(now) && !signal.aborted) {
    const began = performance.now();
    try {
      await look(now, take, signal);
    } catch (error) {
      if (signal.aborted || !mayPass(error)) return;
      lost(true);
    }
    if (performance.now() - began > STREAMED_MS) wait = FIRST_MS;
    if (isOpen(now)) await pause(wait, signal);
    wait = Math.min(wait * 1.6, LIMIT_MS);
  }
}

/** One stream; if there is none, one question. */
async function look(now, take, signal) {
  try {
    await readEvents(`${purchasePath(now.id)}/events`, now.status, take, signal);
  } catch (error) {
    if (signal.aborted || !(error instanceof Problem)) throw error;
    take(await getPurchase(now.id, signal));
  }
}

function mayPass(error) {
  return error instanceof Problem && ["trouble", "unreachable"].includes(error.kind);
}

/** Waits; coming back to the tab or to the network ends it early. */
export function pause(ms, signal) {
  return new Promise((resolve) => {
    const over = new AbortController();
    const end = () => {
      over.abort();
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(end, ms);
    const seen = () => document.hidden || end();
    document.addEventListener("visibilitychange", seen, { signal: over.signal });
    window.addEventListener("online", end, { signal: over.signal });
    signal.addEventListener("abort", end, { signal: over.signal });
  });
}
