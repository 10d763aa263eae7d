// One request and its answer, and one error type that says which state the page should show.

const TIMEOUT_MS = 10_000;

/**
 * A request that did not get what it asked for. `kind` is one of: not-found, malformed,
 * unauthorized, trouble (ask again later), unreachable (no answer from the network at all).
 * `fields` has what the service says about single fields, by their names; `stale` is true if it was
 * the token that was refused.
 */
export class Problem extends Error {
  constructor(kind, { status = 0, detail = "", requestId = "", retryAfter = null, fields = {}, stale = false } = {}) {
    super(detail || kind);
    Object.assign(this, { kind, status, detail, requestId, retryAfter, fields, stale });
  }
}

/** Sends a request; an answer that is no success is thrown as a Problem. */
export async function send(path, { method = "GET", headers = {}, body, signal } = {}) {
  const { response, text } = await exchange(path, { method, headers, body, signal });
  if (!response.ok) throw problemOf(response, text);
  return { body: text ? jsonOf(response, text) : null, text, headers: response.headers, status: response.status };
}

/**
 * JSON.parse that loses no digits: numbers too long for a double come back as strings of their
 * digits (see format.js, which takes both). Strings are left alone.
 */
export function parseExact(text) {
  const token = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
  return JSON.parse(text.replace(token, (found) => (/^-?(?=[\d.]{16,}$)\d+(\.\d+)?$/.test(found) ? `"${found}"` : found)));
}

/** The problem that an answer stands for. */
export function problemOf(response, text) {
  const told = problemJson(text);
  return new Problem(KIND_OF_STATUS[response.status] ?? "trouble", {
    status: response.status,
    detail: told.detail ?? told.title ?? "",
    requestId: response.headers.get("X-Request-ID") ?? told.request_id ?? "",
    retryAfter: secondsUntil(response.headers.get("Retry-After")),
    fields: fieldsOf(told.errors),
    stale: /error="invalid_token"/.test(response.headers.get("WWW-Authenticate") ?? ""),
  });
}

async function exchange(path, { method, headers, body, signal }) {
  const deadline = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const response = await fetch(path, {
      method,
      body,
      headers: { Accept: "application/json", ...headers },
      signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
      cache: "no-store",
    });
    return { response, text: await response.text() };
  } catch (error) {
    throw unanswered(error, signal, deadline);
  }
}

function unanswered(error, signal, deadline) {
  if (signal?.aborted) return error;
  if (deadline.aborted) return new Problem("trouble", { detail: "There was no answer within 10 seconds." });
  return new Problem("unreachable");
}

function jsonOf(response, text) {
  try {
    return parseExact(text);
  } catch {
    throw new Problem("trouble", { detail: "The answer was not JSON.", status: response.status });
  }
}

const KIND_OF_STATUS = { 400: "malformed", 401: "unauthorized", 403: "unauthorized", 404: "not-found", 422: "malformed" };

function problemJson(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

/** {"json": {"login": ["Too long."]}} as {login: "Too long."} */
function fieldsOf(errors) {
  const places = Object.values(errors ?? {}).filter((place) => typeof place === "object");
  const entries = places.flatMap((place) => Object.entries(place ?? {}));
  return Object.fromEntries(entries.map(([name, messages]) => [name, sentence([messages].flat().join(" "))]));
}

function sentence(text) {
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}

/** Retry-After is a number of seconds or an HTTP date. */
function secondsUntil(retryAfter) {
  if (!retryAfter) return null;
  const seconds = /^\d+$/.test(retryAfter) ? Number(retryAfter) : (Date.parse(retryAfter) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, Math.ceil(seconds)) : null;
}
