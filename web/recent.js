// The newest orders, refreshed quietly while someone can see them. Rows do not move
// under the pointer or the focus: news wait behind a button until it is elsewhere.

import { isReadingOpen, listOrders } from "./api.js";
import { count } from "./format.js";
import { Problem } from "./http.js";
import { markCurrent, updateRows } from "./order-list.js";

const PAGE_SIZE = 15;
const REFRESH_MS = 5_000;
const BACKOFF_LIMIT_MS = 60_000;

const part = (name) => document.getElementById(`recent-${name}`);

const ui = { list: part("list"), state: part("state"), note: part("note"), more: part("more"), fresh: part("new") };

const recent = {
  orders: [], // what is known, newest first
  cursor: null, // where the next page of older orders begins
  pages: 1, // how many pages the reader has asked for
  failures: 0,
  current: "",
  held: false, // the pointer or the focus rests on the list
  timer: 0,
  asking: null, // the AbortController of the request under way
  shown: false,
};

let started = false;

/** Begins to show and refresh the list. */
export function startRecent() {
  started = true;
  ui.more.addEventListener("click", loadMore);
  ui.fresh.addEventListener("click", showNews);
  watchAttention();
  document.addEventListener("visibilitychange", wake);
  document.addEventListener("keychange", startOver);
  document.addEventListener("sessionchange", () => isReadingOpen() || startOver());
  window.addEventListener("online", wake);
  wake();
}

/** Shows the list or hides it; hidden it asks for nothing. */
export function showRecent(shown) {
  const before = recent.shown;
  recent.shown = shown;
  document.getElementById("recent").hidden = !shown;
  if (started && shown !== before) wake();
}

/** Tells which order is on display ("" for none). */
export function setCurrentOrder(uid) {
  recent.current = uid;
  markCurrent(ui.list, uid);
}

function wake() {
  clearTimeout(recent.timer);
  recent.asking?.abort();
  if (!document.hidden && recent.shown) refresh();
}

/** What was shown belongs to the key that is gone. */
function startOver() {
  Object.assign(recent, { orders: [], cursor: null, pages: 1, failures: 0 });
  ui.list.replaceChildren();
  ui.more.hidden = ui.fresh.hidden = true;
  wake();
}

async function refresh() {
  await asking(async (signal) => {
    mergeNewest(await listOrders({ limit: PAGE_SIZE }, signal));
    recent.failures = 0;
    draw();
  });
}

async function loadMore() {
  clearTimeout(recent.timer);
  recent.asking?.abort();
  await asking(async (signal) => {
    const page = await listOrders({ limit: PAGE_SIZE, cursor: recent.cursor }, signal);
    const known = new Set(recent.orders.map((order) => order.order_uid));
    const older = page.orders.filter((order) => !known.has(order.order_uid));
    recent.orders.push(...older);
    recent.cursor = page.next_cursor;
    recent.pages += 1;
    drawAll();
    ui.list.querySelector(`[data-uid="${CSS.escape(older[0]?.order_uid ?? "")}"] a`)?.focus();
  });
}

/** One request at a time; whatever comes of it, the next refresh is planned. */
async function asking(work) {
  const controller = new AbortController();
  recent.asking = controller;
  try {
    await work(controller.signal);
    setState("live", "live");
  } catch (error) {
    if (controller.signal.aborted) return;
    // Asking again with the same key, or with none, would bring the same answer.
    if (error instanceof Problem && error.kind === "unauthorized") return lock();
    recent.failures += 1;
    setState("retrying", "not updating");
    if (!recent.orders.length) note("The list cannot be loaded right now.");
  }
  recent.timer = setTimeout(refresh, Math.min(REFRESH_MS * 2 ** recent.failures, BACKOFF_LIMIT_MS));
}

function lock() {
  setState("locked", "closed");
  note("The list needs a key.");
}

// Older pages stay while the newest page still touches them; if more orders than one
// page came in between, there would be a hole, so the list starts anew.
function mergeNewest({ orders, next_cursor: cursor }) {
  const newest = new Set(orders.map((order) => order.order_uid));
  const touches = recent.orders.some((order) => newest.has(order.order_uid));
  if (recent.pages > 1 && touches) {
    recent.orders = [...orders, ...recent.orders.filter((order) => !newest.has(order.order_uid))];
    return;
  }
  Object.assign(recent, { orders, cursor, pages: 1 });
}

function draw() {
  const news = unseen();
  if (!recent.held || !ui.list.children.length) drawAll();
  else if (news) showNewsButton(news);
}

function drawAll() {
  const first = !ui.list.children.length;
  const added = updateRows(ui.list, recent.orders);
  if (!first) for (const row of added) row.classList.add("arrived");
  markCurrent(ui.list, recent.current);
  ui.fresh.hidden = true;
  ui.more.hidden = !recent.cursor;
  note(recent.orders.length ? "" : "No orders yet. They appear here as they arrive.");
}

function unseen() {
  const shown = new Set([...ui.list.children].map((row) => row.dataset.uid));
  return recent.orders.filter((order) => !shown.has(order.order_uid)).length;
}

function showNewsButton(news) {
  ui.fresh.textContent = `Show ${count(news, "new order", "new orders")}`;
  ui.fresh.hidden = false;
}

function showNews() {
  drawAll();
  ui.list.querySelector("a")?.focus();
}

function watchAttention() {
  const attention = { hover: false, focus: false };
  const set = (key, value) => {
    attention[key] = value;
    recent.held = attention.hover || attention.focus;
    if (!recent.held && !ui.fresh.hidden) drawAll();
  };
  ui.list.addEventListener("pointerenter", (event) => set("hover", event.pointerType === "mouse"));
  ui.list.addEventListener("pointerleave", () => set("hover", false));
  ui.list.addEventListener("focusin", () => set("focus", true));
  // On its way to the button the focus must not make the button vanish.
  ui.list.addEventListener("focusout", (event) => set("focus", event.relatedTarget === ui.fresh));
  ui.fresh.addEventListener("focusout", () => set("focus", false));
}

function setState(state, words) {
  ui.state.dataset.state = state;
  ui.state.textContent = words;
}

function note(words) {
  ui.note.textContent = words;
  ui.note.hidden = !words;
}
