// The page: turns the place in the address bar into a view. Each new place aborts the
// one before, so a slow earlier answer never overwrites a later search.

import { Problem, getOrder, heldKey, holdKey, listOrders } from "./api.js";
import { announce, h } from "./dom.js";
import { count } from "./format.js";
import { updateRows } from "./order-list.js";
import { orderView } from "./order-view.js";
import { KINDS, isOrderUid, linkTo, readPlace } from "./place.js";
import { nothingFoundView, problemView, welcomeView } from "./problem-view.js";
import { setCurrentOrder, startRecent } from "./recent.js";

const SKELETON_AFTER_MS = 200; // a faster answer replaces the old view without a flicker
const RESULTS_PAGE = 25;
const FIRST_RETRY_S = 5;
const RETRY_LIMIT_S = 60;

const result = document.getElementById("result");
const form = document.getElementById("search");
const query = document.getElementById("query");

let showing = new AbortController(); // ends whatever the place on display still does
let retries = 0; // without an answer since the reader came here

// --- from place to view ---

const VIEWS = {
  home: async () => ({ view: welcomeView(), title: "", said: "" }),

  order: async ({ value }, signal) => {
    if (!isOrderUid(value)) throw new Problem("malformed");
    const answer = await getOrder(value, signal);
    const { items } = answer.order;
    return { view: orderView(answer), title: `Order ${value}`, said: `Order ${value}, ${count(items.length, "item", "items")}` };
  },

  track_number: foundOrders,
  customer_id: foundOrders,
};

async function show({ moveFocus = false } = {}) {
  showing.abort();
  showing = new AbortController();
  const { signal } = showing;
  const place = readPlace(new URL(location.href));
  // Focus inside the old view would be lost with it.
  const refocus = moveFocus || result.contains(document.activeElement);
  fillForm(place);
  setCurrentOrder(place.kind === "order" ? place.value : "");
  const put = await outcome(place, signal);
  if (signal.aborted) return;
  display(put, refocus);
  if (put.retryIn) planRetry(put.retryIn, signal);
}

async function outcome(place, signal) {
  const skeleton = setTimeout(showSkeleton, SKELETON_AFTER_MS);
  signal.addEventListener("abort", () => clearTimeout(skeleton));
  result.setAttribute("aria-busy", "true");
  try {
    const found = await VIEWS[place.kind](place, signal);
    retries = 0;
    return found;
  } catch (error) {
    return failure(error, place);
  } finally {
    clearTimeout(skeleton);
  }
}

function failure(error, place) {
  const problem = error instanceof Problem ? error : new Problem("trouble", { detail: "This page could not show the answer." });
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

// --- a search by another field ---

async function foundOrders({ kind, value }, signal) {
  const ask = (cursor) => listOrders({ [kind]: value, limit: RESULTS_PAGE, cursor }, signal);
  const page = await ask(null);
  if (!page.orders.length) {
    const view = nothingFoundView({ kind, value });
    const said = view.querySelector("h2").textContent;
    return { view, title: said, said };
  }
  const name = `${KINDS[kind].label} ${value}`;
  return { view: resultsView(name, page, ask), title: name, said: `${name}: ${howMany(page.orders, page)}` };
}

function howMany(orders, { next_cursor: more }) {
  return more ? `The newest ${orders.length} orders` : count(orders.length, "order", "orders");
}

function resultsView(name, page, ask) {
  const shown = [];
  const list = h("ul", { class: "orders" });
  const number = h("p", { class: "note" });
  const more = h("button", { type: "button", class: "quiet" }, "Load more");
  let cursor = null;
  const add = (next) => {
    cursor = next.next_cursor;
    shown.push(...next.orders);
    number.textContent = howMany(shown, next);
    more.hidden = !cursor;
    return updateRows(list, shown);
  };
  more.addEventListener("click", () => loadMore(more, async () => add(await ask(cursor))));
  add(page);
  return h("section", { class: "panel results", "aria-labelledby": "results-heading" },
    h("h2", { id: "results-heading", tabindex: "-1", dir: "auto" }, name), number, list, more);
}

async function loadMore(button, addPage) {
  button.disabled = true;
  try {
    const [first] = await addPage();
    first?.querySelector("a").focus();
  } catch (error) {
    if (error instanceof Problem) announce("The next orders could not be loaded");
  } finally {
    button.disabled = false;
  }
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

// --- the search form and the links ---

function fillForm({ kind, value }) {
  if (kind !== "home") form.elements.kind.value = kind;
  if (kind !== "home" || document.activeElement !== query) query.value = value;
  describeQuery();
}

function describeQuery() {
  const kind = form.elements.kind.value;
  query.name = kind;
  query.placeholder = KINDS[kind].hint;
  document.getElementById("query-label").textContent = KINDS[kind].label;
}

function go(href, options) {
  const same = new URL(href, location.href).href === location.href;
  history[same ? "replaceState" : "pushState"](null, "", href);
  retries = 0;
  show(options);
}

function search(event) {
  event.preventDefault();
  const value = query.value.trim();
  if (!value) return;
  // On a touch screen the keyboard would cover the answer.
  if (matchMedia("(pointer: coarse)").matches) query.blur();
  go(linkTo(form.elements.kind.value, value));
}

function followLink(event) {
  const link = event.target.closest?.("a[data-route]");
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  if (!link || !plain) return;
  event.preventDefault();
  go(link.getAttribute("href"), { moveFocus: true });
}

function focusSearch(event) {
  const typing = event.target.closest?.("input:not([type=radio]), textarea, select");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  query.focus();
  query.select();
}

// The start page asks nothing itself: it hears from the list of recent orders that a key is
// needed. All other places show the refusal of their own question.
function askForKey({ detail: problem }) {
  if (readPlace(new URL(location.href)).kind !== "home" || document.getElementById("key")) return;
  display(failure(problem, { kind: "home", value: "" }), false);
}

function showKeyHeld() {
  document.getElementById("forget-key").hidden = !heldKey();
}

function forgetKey() {
  holdKey("");
  show({ moveFocus: true });
}

function showConnection() {
  document.getElementById("offline").hidden = navigator.onLine;
}

form.addEventListener("submit", search);
form.addEventListener("change", describeQuery);
document.addEventListener("click", followLink);
document.addEventListener("keyneeded", askForKey);
document.addEventListener("keychange", showKeyHeld);
document.getElementById("forget-key").addEventListener("click", forgetKey);
document.addEventListener("keydown", focusSearch);
window.addEventListener("popstate", () => show());
window.addEventListener("online", showConnection);
window.addEventListener("offline", showConnection);
window.addEventListener("beforeprint", () => result.querySelector("details")?.setAttribute("open", ""));

showConnection();
showKeyHeld();
show();
startRecent();
