// The session of the person who is signed in. The access token lives in this module's memory
// alone; the refresh token in a cookie that no script can read and that only /auth/ gets. What
// localStorage holds is no secret: whether it is worth asking for a session when a page opens.
//
// Tabs share the cookie. They renew it one after the other (Web Locks), each for itself, and tell
// each other when somebody signs in or out. All of this tab hear "sessionchange" on the document,
// with the reason: known (when the page opens), came, left, ended (the service has ended it).

import { Problem, send } from "./http.js";

const NAME = "order-service.session";
const HEADERS = { "Content-Type": "application/json", "X-Session": "cookie" };
const EARLY_S = 60; // so long before it expires, the token is renewed
const RETRY_MS = 10_000;

const tabs = "BroadcastChannel" in window ? new BroadcastChannel(NAME) : null;

let held = null; // {token, person, renewAt, expiresAt}: the times as of performance.now()
let renewing = null; // the renewal under way
let known = null; // done once it is known whether somebody is signed in
let timer = 0;

/** Whether somebody is signed in, as far as this tab knows. */
export function isSignedIn() {
  return held !== null;
}

/** The id of the person who is signed in; "" for nobody. */
export function personId() {
  return held?.person ?? "";
}

/** Resolves once it is known whether somebody is signed in; asks the service if need be. */
export function sessionKnown() {
  known ??= mayBeSignedIn() ? renew("known").catch(forgetTheQuestion) : Promise.resolve();
  return known;
}

/** An access token for a request: a new one if the old one is about to expire, "" for nobody. */
export async function accessToken() {
  await sessionKnown();
  if (held && performance.now() >= held.expiresAt) await renew(); // the timers of a sleeping tab are late
  return held?.token ?? "";
}

/** A token in place of one that was refused; "" if the session has ended. */
export async function tokenInsteadOf(refused) {
  if (held?.token === refused) await renew();
  return held?.token ?? "";
}

/** Signs in. */
export function signIn(login, password) {
  return begin("/auth/login", { login, password });
}

/** Registers and signs in; members that are empty are left out. */
export function signUp(person) {
  return begin("/auth/registration", Object.fromEntries(Object.entries(person).filter(([, value]) => value)));
}

/** Ends the session of this browser, in all of its tabs. */
export async function signOut() {
  await inTurn(() => post("/auth/logout", {}));
  drop("left");
  tabs?.postMessage("left");
}

/** Forgets a session that the service has ended already. */
export function sessionEnded() {
  drop("left");
  tabs?.postMessage("left");
}

async function begin(path, credentials) {
  const { body } = await inTurn(() => post(path, credentials));
  known = Promise.resolve();
  hold(body, "came");
  tabs?.postMessage("came");
}

/** `reason` is what "sessionchange" says if somebody turns out to be signed in. */
function renew(reason = "came") {
  renewing ??= inTurn(() => askForTokens(reason)).finally(() => {
    renewing = null;
  });
  return renewing;
}

async function askForTokens(reason) {
  try {
    const { body } = await post("/auth/refresh", {});
    hold(body, reason);
  } catch (error) {
    if (!(error instanceof Problem) || error.kind !== "unauthorized") throw error;
    drop("ended");
  }
}

function post(path, content) {
  return send(path, { method: "POST", headers: HEADERS, body: JSON.stringify(content) });
}

/** One tab at a time; where the browser has no locks, the service bears with two. */
function inTurn(work) {
  return navigator.locks ? navigator.locks.request(NAME, work) : work();
}

function hold({ access_token: token, user_id: person, expires_in: seconds }, reason) {
  const other = held?.person !== person;
  const early = Math.min(EARLY_S, seconds / 3);
  const now = performance.now();
  held = { token, person, renewAt: now + (seconds - early) * 1000, expiresAt: now + (seconds - early / 4) * 1000 };
  remember(true);
  plan(held.renewAt - now);
  if (other) changed(reason);
}

function drop(reason) {
  const was = held;
  held = null;
  clearTimeout(timer);
  remember(false);
  if (was) changed(reason);
}

function changed(reason) {
  document.dispatchEvent(new CustomEvent("sessionchange", { detail: reason }));
}

function plan(ms) {
  clearTimeout(timer);
  timer = setTimeout(renewQuietly, ms);
}

/** A tab that nobody sees waits until somebody does: then `visibilitychange` comes. */
function renewQuietly() {
  if (!held || document.hidden || performance.now() < held.renewAt) return;
  renew().catch(() => plan(RETRY_MS));
}

/** The service could not say: nobody is signed in for now, and the next one asks again. */
function forgetTheQuestion(error) {
  known = null;
  throw error;
}

function mayBeSignedIn() {
  try {
    return localStorage.getItem(NAME) !== null;
  } catch {
    return true;
  }
}

function remember(signedIn) {
  try {
    if (signedIn) localStorage.setItem(NAME, "1");
    else localStorage.removeItem(NAME);
  } catch {
    // Then every page that is opened asks.
  }
}

/** Another tab has signed in or out. */
function hear({ data }) {
  if (data === "left") return drop("left");
  known = renew().catch(forgetTheQuestion);
  known.catch(() => {}); // whoever needs to know asks
}

tabs?.addEventListener("message", hear);
document.addEventListener("visibilitychange", renewQuietly);
