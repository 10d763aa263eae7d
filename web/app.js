// The page: turns the place in the address bar into a view. Each new place aborts the
// one before, so a slow earlier answer never overwrites a later search.

import { openAccount } from "./account/account-view.js";
import { signInPanel } from "./account/sign-in-view.js";
import { isReadingOpen } from "./api.js";
import { announce, h } from "./dom.js";
import { Problem } from "./http.js";
import { heldKey, holdKey } from "./key.js";
import { fillForm, focusSearch, openOrders, startSearch } from "./orders.js";
import { findParts, isServed } from "./parts.js";
import { SignInNeeded } from "./person.js";
import { readPlace } from "./place.js";
import { openPoints } from "./points/points-view.js";
import { problemView } from "./problem-view.js";
import { setCurrentOrder, showRecent, startRecent } from "./recent.js";
import { openShop } from "./shop/shop.js";

const SKELETON_AFTER_MS = 200; // a faster answer replaces the old view without a flicker
const FIRST_RETRY_S = 5;
const RETRY_LIMIT_S = 60;

const PARTS = { orders: openOrders, shop: openShop, points: openPoints, account: openAccount };

const result = document.getElementById("result");
const form = document.getElementById("search");

let showing = new AbortController(); // ends whatever the place on display still does
let retries = 0; // without an answer since the reader came here

// --- from place to view ---

function here() {
  return readPlace(new URL(location.href));
}

async function show({ moveFocus = false } = {}) {
  showing.abort();
  showing = new AbortController();
  const { signal } = showing;
  const place = here();
  // Focus inside the old view would be lost with it.
  const refocus = moveFocus || result.contains(document.activeElement);
  showPart(place);
  const put = await outcome(place, signal);
  if (signal.aborted) return;
  display(put, refocus);
  if (put.retryIn) planRetry(put.retryIn, signal);
}

function showPart({ part, kind, value }) {
  form.hidden = part !== "orders";
  showRecent(part === "orders");
  document.body.dataset.part = part;
  for (const link of document.querySelectorAll("#parts a")) {
    if (link.dataset.part === part) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (part !== "orders") return;
  fillForm({ kind, value });
  setCurrentOrder(kind === "order" ? value : "");
}

async function outcome(place, signal) {
  const skeleton = setTimeout(showSkeleton, SKELETON_AFTER_MS);
  signal.addEventListener("abort", () => clearTimeout(skeleton));
  result.setAttribute("aria-busy", "true");
  try {
    const found = await PARTS[place.part](place, signal, go);
    retries = 0;
    return found;
  } catch (error) {
    return signal.aborted ? {} : failure(error, place);
  } finally {
    clearTimeout(skeleton);
  }
}

function failure(error, place) {
  if (error instanceof SignInNeeded) return signInPanel(place);
  const problem = error instanceof Problem ? error : new Problem("trouble", { detail: "This page could not show the answer." });
  if (!(error instanceof Problem)) console.error(error);
  const view = problemView(problem, place, () => show({ moveFocus: true }));
  const said = view.querySelector("h2").textContent;
  return { view, title: said, said, retryIn: retryDelay(problem) };
}

function display({ view, title, said }, moveFocus) {
  result.replaceChildren(view);
  result.removeAttribute("aria-busy");
  document.title = title ? `${title} · Order Service` : "Order Service";
  announce(said);
  if (moveFocus) result.querySelector("h2")?.focus();
}

function showSkeleton() {
  announce("Loading");
  const lines = (number) => Array.from({ length: number }, () => h("span", { class: "bone" }));
  result.replaceChildren(h("div", { class: "skeleton", "aria-hidden": "true" },
    h("div", { class: "panel" }, lines(3)),
    h("div", { class: "panel" }, lines(4)),
    h("div", { class: "panel" }, lines(5))));
}

// --- trying again ---

function retryDelay({ kind, retryAfter }) {
  if (kind !== "trouble" && kind !== "unreachable") return 0;
  const backoff = Math.min(FIRST_RETRY_S * 2 ** retries, RETRY_LIMIT_S);
  retries += 1;
  return Math.max(retryAfter ?? 0, backoff);
}

function planRetry(seconds, signal) {
  const countdown = result.querySelector(".countdown");
  let left = seconds;
  const tick = () => {
    countdown.textContent = `Trying again by itself in ${left} s`;
    if (left <= 0) show();
    left -= 1;
  };
  const timer = setInterval(tick, 1000);
  signal.addEventListener("abort", () => clearInterval(timer));
  window.addEventListener("online", () => show(), { signal });
  tick();
}

// --- the links and the keyboard ---

function go(href, { replace = false, ...options } = {}) {
  const same = new URL(href, location.href).href === location.href;
  history[same || replace ? "replaceState" : "pushState"](null, "", href);
  retries = 0;
  show(options);
}

function followLink(event) {
  const link = event.target.closest?.("a[data-route], a.skip-link");
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  if (!link || !plain) return;
  event.preventDefault();
  // The address would lose the part that it names.
  if (link.matches(".skip-link")) return result.focus();
  scrollTo(0, 0);
  go(link.getAttribute("href"), { moveFocus: true });
}

function searchKey(event) {
  const typing = event.target.closest?.("input:not([type=radio]), textarea, select");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey || form.hidden) return;
  event.preventDefault();
  focusSearch();
}

// --- who may see what ---

// The start page asks nothing itself: it hears from the list of recent orders that a key is
// needed. All other places show the refusal of their own question.
function askForKey({ detail: problem }) {
  if (here().kind !== "home" || document.getElementById("key")) return;
  display(failure(problem, here()), false);
}

function showKeyHeld() {
  document.getElementById("forget-key").hidden = !heldKey();
}

function forgetKey() {
  holdKey("");
  show({ moveFocus: true });
}

/** Somebody came or left: what is shown may be theirs alone. */
function showForPerson({ detail: reason }) {
  if (reason === "ended") announce("Your session has ended");
  const shared = here().part === "orders" && isReadingOpen(); // then it is nobody's alone
  if (reason !== "known" && !shared) show({ moveFocus: true });
}

async function showParts() {
  await findParts();
  const links = [...document.querySelectorAll("#parts a")];
  for (const link of links) link.hidden = !isServed(link.dataset.part);
  document.getElementById("parts").hidden = links.filter((link) => !link.hidden).length < 2;
}

function showConnection() {
  document.getElementById("offline").hidden = navigator.onLine;
}

startSearch(go);
document.addEventListener("click", followLink);
document.addEventListener("keyneeded", askForKey);
document.addEventListener("keychange", showKeyHeld);
document.addEventListener("sessionchange", showForPerson);
document.getElementById("forget-key").addEventListener("click", forgetKey);
document.addEventListener("keydown", searchKey);
window.addEventListener("popstate", () => show());
window.addEventListener("online", showConnection);
window.addEventListener("offline", showConnection);
window.addEventListener("beforeprint", () => result.querySelector("details")?.setAttribute("open", ""));

showConnection();
showKeyHeld();
show();
startRecent();
showParts();
