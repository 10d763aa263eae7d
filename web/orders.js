// The part of the orders: one order, or those that a field finds, and the form to search them.

import { getOrder, listOrders } from "./api.js";
import { announce, h } from "./dom.js";
import { count } from "./format.js";
import { Problem } from "./http.js";
import { updateRows } from "./order-list.js";
import { orderView } from "./order-view.js";
import { KINDS, isOrderUid, linkTo } from "./place.js";
import { nothingFoundView, welcomeView } from "./problem-view.js";

const RESULTS_PAGE = 25;

const form = document.getElementById("search");
const query = document.getElementById("query");

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

/** The view of a place of this part: {view, title, said}. */
export function openOrders(place, signal) {
  return VIEWS[place.kind](place, signal);
}

/** Lets the search form call `go` with the address of what is searched. */
export function startSearch(go) {
  form.addEventListener("submit", (event) => search(event, go));
  form.addEventListener("change", describeQuery);
}

/** Shows in the form what the place has found. */
export function fillForm({ kind, value }) {
  if (kind !== "home") form.elements.kind.value = kind;
  if (kind !== "home" || document.activeElement !== query) query.value = value;
  describeQuery();
}

/** Puts the cursor into the form. */
export function focusSearch() {
  query.focus();
  query.select();
}

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

function describeQuery() {
  const kind = form.elements.kind.value;
  query.name = kind;
  query.placeholder = KINDS[kind].hint;
  document.getElementById("query-label").textContent = KINDS[kind].label;
}

function search(event, go) {
  event.preventDefault();
  const value = query.value.trim();
  if (!value) return;
  // On a touch screen the keyboard would cover the answer.
  if (matchMedia("(pointer: coarse)").matches) query.blur();
  go(linkTo(form.elements.kind.value, value));
}
