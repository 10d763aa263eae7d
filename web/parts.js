// Which parts of the shop there are. The process that serves this page says which routes it has;
// behind a gateway others may have the rest, so what it does not have is looked for once a tab.

import { send } from "./http.js";

const PROBES = { account: "/auth/info", points: "/api/user/balance", wallet: "/wallet", shop: "/purchases" };
const KNOWN = "order-service.parts";

let parts = new Set(["orders"]);

/** Whether a part is served; nothing but the orders before `findParts` is done. */
export function isServed(part) {
  return parts.has(part);
}

/** Finds out which parts are served; "partsfound" on the document says that it is known. */
export async function findParts() {
  const { body } = await send("/web/routes.json");
  const here = new Set(body.routes);
  const missing = Object.keys(PROBES).filter((part) => !here.has(PROBES[part]));
  const elsewhere = missing.length ? await lookElsewhere(missing) : [];
  const found = Object.keys(PROBES).filter((part) => !missing.includes(part) || elsewhere.includes(part));
  // Without people there is nobody who could have points or buy.
  parts = new Set(["orders", ...(found.includes("account") ? found : [])]);
  document.dispatchEvent(new Event("partsfound"));
}

async function lookElsewhere(missing) {
  const stored = recall();
  if (stored) return stored;
  const answers = await Promise.all(missing.map(exists));
  const found = missing.filter((_, index) => answers[index]);
  store(found);
  return found;
}

/** A route that is there asks who we are, or is in trouble. */
async function exists(part) {
  try {
    await send(PROBES[part]);
    return true;
  } catch ({ status }) {
    return Boolean(status) && status !== 404;
  }
}

function recall() {
  try {
    return JSON.parse(sessionStorage.getItem(KNOWN));
  } catch {
    return null;
  }
}

function store(found) {
  try {
    sessionStorage.setItem(KNOWN, JSON.stringify(found));
  } catch {
    // Then the next page looks again.
  }
}
