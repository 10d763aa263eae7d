// My points: what there is, numbers of orders and what becomes of them, spending, and the history.

import { announce, h } from "../dom.js";
import { field, form } from "../form.js";
import { timeElement } from "../format.js";
import { intent } from "../intent.js";
import { sequence } from "../lists.js";
import { points, readDecimal } from "../money.js";
import { getBalance, listMovements, listNumbers, listWithdrawals, uploadNumber, withdraw } from "./points-api.js";
import { numberFault } from "./luhn.js";
import { watchNumbers } from "./watch-numbers.js";

/** The view of this part. It keeps itself up to date until `signal` ends it. */
export async function openPoints(place, signal) {
  let shown = await everything(signal);
  const head = h("section", { class: "panel head balance", "aria-labelledby": "points-heading" });
  const lists = h("div", { class: "part" });
  const view = h("div", { class: "part" }, head,
    h("div", { class: "pair" }, uploadPanel(() => refreshQuietly()), withdrawPanel(() => refreshQuietly())), lists);
  const draw = () => {
    drawBalance(head, shown.balance);
    drawLists(lists, shown, signal);
    watch();
  };
  const refresh = async () => {
    shown = await everything(signal);
    draw();
  };
  // What was done is done, even if it cannot be shown at once.
  const refreshQuietly = () => refresh().catch(() => watch());
  const watch = watchNumbers(signal, () => shown.numbers.items, async (changes) => {
    await refresh();
    for (const { number, status } of changes) announce(`${number}: ${STATES[status].words}`);
  });
  draw();
  return { view, title: "Points", said: `You have ${points(shown.balance.current)} points` };
}

async function everything(signal) {
  const [balance, numbers, withdrawals, movements] = await Promise.all(
    [getBalance(signal), listNumbers(null, signal), listWithdrawals(null, signal), listMovements(null, signal)]);
  return { balance, numbers, withdrawals, movements };
}

function drawBalance(head, balance) {
  const heading = head.querySelector("strong");
  const text = points(balance.current);
  if (heading) {
    heading.textContent = text;
    head.querySelector(".withdrawn").textContent = points(balance.withdrawn);
    return;
  }
  head.append(
    h("div", {},
      h("p", { class: "eyebrow" }, "Your points"),
      h("h2", { id: "points-heading", tabindex: "-1", "aria-label": "Your points" }, h("strong", { class: "big" }, text))),
    h("p", { class: "total" }, h("span", {}, "Spent so far"), h("b", { class: "withdrawn" }, points(balance.withdrawn))));
}

// --- forms ---

const NUMBER = { inputmode: "numeric", autocomplete: "off", maxlength: 255, spellcheck: "false" };

const digitsOf = (text) => text.replace(/\s/g, "");

function checkNumber(name, text) {
  const fault = text.trim() && numberFault(text);
  return fault ? { [name]: fault } : {};
}

function uploadPanel(changed) {
  const done = h("p", { class: "check ok", role: "status" });
  const element = form(
    {
      label: "Collect points",
      submit: "Collect points",
      check: ({ number }) => checkNumber("number", number),
      send: async ({ number }, built) => {
        const isNew = await uploadNumber(digitsOf(number));
        built.reset();
        done.textContent = isNew ? "Uploaded. The points come as soon as they are calculated." : "You have uploaded this one before.";
        await changed();
      },
    },
    field({ ...NUMBER, name: "number", label: "Order number", hint: "Digits only, as on your receipt." }),
    done);
  return formPanel("upload-heading", "Collect points for an order", element, done);
}

function withdrawPanel(changed) {
  const done = h("p", { class: "check ok", role: "status" });
  const once = intent();
  const element = form(
    {
      label: "Pay with points",
      submit: "Pay with points",
      check: ({ order, sum }) => ({
        ...checkNumber("order", order),
        ...(sum.trim() && !readDecimal(sum, 2) && { sum: "A number above zero with at most two decimals." }),
      }),
      send: async ({ order, sum }, built) => {
        const wanted = { order: digitsOf(order), sum: readDecimal(sum, 2) };
        await once(wanted, (key) => withdraw(wanted, key));
        built.reset();
        done.textContent = `Paid ${points(wanted.sum)} points for order ${wanted.order}.`;
        await changed();
      },
    },
    field({ ...NUMBER, name: "order", label: "Order number", hint: "The order that you pay for." }),
    field({ name: "sum", label: "Points", inputmode: "decimal", autocomplete: "off", maxlength: 30 }),
    done);
  return formPanel("withdraw-heading", "Pay with points", element, done);
}

function formPanel(id, heading, element, done) {
  element.addEventListener("input", () => {
    done.textContent = "";
  });
  return h("section", { class: "panel", "aria-labelledby": id }, h("h3", { id }, heading), element);
}

// --- lists ---

const STATES = {
  NEW: { words: "waiting", state: "waiting" },
  PROCESSING: { words: "being calculated", state: "waiting" },
  PROCESSED: { words: "done", state: "good" },
  INVALID: { words: "earns no points", state: "bad" },
};

const KINDS = {
  accrual: "Points for order",
  bonus: "Welcome",
  withdrawal: "Paid for order",
  spending: "Spent",
  credit: "Credited",
  debit: "Taken back",
  expiry: "Expired",
  reversal: "Reversed",
};

function drawLists(place, { numbers, withdrawals, movements }, signal) {
  const open = { movements: place.querySelector("details")?.open };
  place.replaceChildren(
    listPanel("numbers", "Your orders", "No orders yet. Type the number of one above, and its points come here.",
      numbers, numberRow, (cursor) => listNumbers(cursor, signal)),
    listPanel("withdrawals", "Paid with points", "Nothing yet. What you pay for with points is listed here.",
      withdrawals, withdrawalRow, (cursor) => listWithdrawals(cursor, signal)),
    history(movements, open.movements, signal));
}

function listPanel(id, heading, empty, page, row, more) {
  return h("section", { class: "panel", "aria-labelledby": `${id}-heading` },
    h("h3", { id: `${id}-heading` }, heading),
    page.items.length
      ? sequence({ className: "rows", page, items: (next) => next.items, row, more, what: heading })
      : h("p", { class: "note" }, empty));
}

function history(page, open, signal) {
  if (!page.items.length) return "";
  return h("details", { class: "panel", open },
    h("summary", {}, "All movements"),
    sequence({
      className: "rows", page, items: (next) => next.items, row: movementRow, more: (cursor) => listMovements(cursor, signal), what: "movements",
    }));
}

function numberRow({ number, status, accrual, uploaded_at: uploaded }) {
  const { words, state } = STATES[status];
  return h("li", { tabindex: "-1" },
    what(h("strong", { class: "code" }, number), timeElement(uploaded)),
    accrual !== undefined && h("b", { class: "change good" }, points(accrual, "always")),
    h("span", { class: `badge ${state}` }, words));
}

function withdrawalRow({ order, sum, processed_at: processed }) {
  return h("li", { tabindex: "-1" },
    what(h("strong", { class: "code" }, order), timeElement(processed)),
    h("b", { class: "change" }, points(`-${sum}`)));
}

function movementRow({ kind, reference, change, balance, created_at: created }) {
  return h("li", { tabindex: "-1" },
    what(h("strong", {}, KINDS[kind] ?? kind), reference && h("span", { dir: "auto" }, reference, " · "), timeElement(created)),
    h("span", { class: "change" },
      h("b", { class: String(change).startsWith("-") ? "" : "good" }, points(change, "always")),
      h("span", { class: "note" }, `then ${points(balance)}`)));
}

function what(name, ...about) {
  return h("div", { class: "what" }, name, h("span", { class: "note" }, about));
}
