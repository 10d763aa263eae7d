// The service's HTTP API as this page uses it: two reads, and one error type that
// says which state the page should show.

const TIMEOUT_MS = 10_000;

/**
 * A read that gave no answer. `kind` is one of: not-found, malformed, unauthorized,
 * trouble (ask again later), unreachable (no answer from the network at all).
 */
export class Problem extends Error {
  constructor(kind, { status = 0, detail = "", requestId = "", retryAfter = null } = {}) {
    super(detail || kind);
    Object.assign(this, { kind, status, detail, requestId, retryAfter });
  }
}

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

/**
 * JSON.parse that loses no digits: whole numbers too long for a double come back as
 * strings of their digits (see format.js, which takes both). Strings are left alone.
 */
export function parseExact(text) {
  const token = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
  return JSON.parse(text.replace(token, (found) => (/^-?\d{16,}$/.test(found) ? `"${found}"` : found)));
}

// The key of a service that closes reading. It lives as long as this tab: sessionStorage is
// neither shared with other tabs nor kept when this one is closed. Everyone who shows what a
// key admits to hears "keychange" on the document, and "keyneeded" when the service refuses.
const KEY = "order-service.key";
let unstored = ""; // where the browser forbids storage: until the page is left

/** The key that requests carry; "" for none. */
export function heldKey() {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return unstored;
  }
}

/** Lets all further requests carry this key; "" forgets it. */
export function holdKey(key) {
  try {
    if (key) sessionStorage.setItem(KEY, key);
    else sessionStorage.removeItem(KEY);
  } catch {
    unstored = key;
  }
  document.dispatchEvent(new Event("keychange"));
}

function refused(problem, sent) {
  // Only the key that was refused: a better one may have come in the meantime.
  if (problem.status === 401 && sent && sent === heldKey()) holdKey("");
  document.dispatchEvent(new CustomEvent("keyneeded", { detail: problem }));
}

async function read(path, signal) {
  const key = heldKey();
  const { response, text } = await ask(path, key, signal);
  if (!response.ok) throw noticed(problemOf(response, text), key);
  try {
    return { body: parseExact(text), text, headers: response.headers };
  } catch {
    throw new Problem("trouble", { detail: "The answer was not JSON.", status: response.status });
  }
}

function noticed(problem, key) {
  if (problem.kind !== "unauthorized") return problem;
  problem.hadKey = Boolean(key);
  refused(problem, key);
  return problem;
}

async function ask(path, key, signal) {
  const deadline = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const response = await fetch(path, {
      headers: { Accept: "application/json", ...(key && { Authorization: `Bearer ${key}` }) },
      signal: AbortSignal.any([signal, deadline]),
      cache: "no-store",
    });
    return { response, text: await response.text() };
  } catch (error) {
    if (signal.aborted) throw error;
    if (deadline.aborted) throw new Problem("trouble", { detail: "There was no answer within 10 seconds." });
    throw new Problem("unreachable");
  }
}

const KIND_OF_STATUS = { 400: "malformed", 401: "unauthorized", 403: "unauthorized", 404: "not-found", 422: "malformed" };

function problemOf(response, text) {
  const told = problemJson(text);
  return new Problem(KIND_OF_STATUS[response.status] ?? "trouble", {
    status: response.status,
    detail: told.detail ?? told.title ?? "",
    requestId: response.headers.get("X-Request-ID") ?? told.request_id ?? "",
    retryAfter: secondsUntil(response.headers.get("Retry-After")),
  });
}

function problemJson(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

/** Retry-After is a number of seconds or an HTTP date. */
function secondsUntil(retryAfter) {
  if (!retryAfter) return null;
  const seconds = /^\d+$/.test(retryAfter) ? Number(retryAfter) : (Date.parse(retryAfter) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, Math.ceil(seconds)) : null;
}
