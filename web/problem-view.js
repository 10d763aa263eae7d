// What is shown instead of an answer: each state says what happened and what to do next.

import { copyButton, h, icon } from "./dom.js";
import { holdKey } from "./key.js";
import { isServed } from "./parts.js";
import { KINDS, isOrderUid, linkTo, linkToPart } from "./place.js";

/** The panel for a Problem met at a place. `retry` asks again. */
export function problemView(problem, place, retry) {
  const state = STATES[problem.kind] ?? STATES.trouble;
  return state(problem, place, retry);
}

/** The panel of the start page. */
export function welcomeView() {
  return panel("welcome", "box", "Look up an order",
    h("p", {}, "Search by order id, track number or customer, or pick one of the recent orders."),
    h("p", { class: "note keys" }, "Press ", h("kbd", {}, "/"), " to search from anywhere."));
}

/** The panel of a search that found nothing. */
export function nothingFoundView({ kind, value }) {
  const what = kind === "customer_id" ? "this customer" : "this track number";
  return panel("not-found", "box", `No orders for ${what}`,
    h("p", {}, "Nothing is stored for ", quoted(value), "."),
    otherWays(kind, value));
}

const STATES = {
  "not-found": (problem, { part, kind, value }) => (part && part !== "orders" ? nothingHere(problem, part) :
    panel("not-found", "box", "No such order",
      h("p", {}, "There is no order with the id ", quoted(value), ". If it was placed just now, it may still be on its way."),
      otherWays(kind, value),
      reference(problem))),

  malformed: (problem, { kind, value }) =>
    panel("malformed", "trouble", kind === "order" ? "That is not an order id" : "The service did not take that search",
      kind === "order"
        ? h("p", {}, quoted(value), " cannot be one: order ids are 1 to 64 letters, digits and the characters ", h("code", {}, "- _ . :"))
        : h("p", {}, problem.detail),
      otherWays(kind, value),
      reference(problem)),

  unauthorized: (problem, place, retry) =>
    panel("unauthorized", "key", unauthorizedHeading(problem),
      h("p", {}, unauthorizedAdvice(problem)),
      keyForm(retry),
      signInInstead(),
      reference(problem)),

  trouble: (problem, place, retry) =>
    panel("trouble", "trouble", "The service cannot answer right now",
      h("p", {}, problem.detail || "Something went wrong on the way. Nothing is lost; try again in a moment."),
      retryLine(retry),
      reference(problem)),

  unreachable: (problem, place, retry) =>
    navigator.onLine
      ? panel("unreachable", "cloud", "The service does not answer",
        h("p", {}, "Your device is online, but no connection to the service came about."),
        retryLine(retry))
      : panel("unreachable", "cloud", "You are offline",
        h("p", {}, "It is fetched as soon as the connection is back."),
        retryLine(retry)),
};

/** Shown where there are people, which may become known a moment later. */
function signInInstead() {
  const line = h("p", { class: "note" }, "Customers see their own orders when they ",
    h("a", { href: linkToPart("account"), "data-route": true }, "sign in"), ".");
  const show = () => {
    line.hidden = !isServed("account");
  };
  document.addEventListener("partsfound", show, { once: true });
  show();
  return line;
}

function nothingHere(problem, part) {
  return panel("not-found", "box", "There is nothing here",
    h("p", {}, "The link may be old, or what it led to may belong to somebody else."),
    h("p", { class: "actions" }, h("a", { class: "quiet", href: linkToPart(part), "data-route": true }, "Back")),
    reference(problem));
}

function unauthorizedHeading({ status, hadKey }) {
  if (status === 403) return "This key may not read orders";
  return hadKey ? "This key is not valid" : "Reading orders needs a key";
}

function unauthorizedAdvice({ status, hadKey }) {
  if (status === 403) return "It is valid, but was not made for this. Enter one that admits to orders.";
  if (hadKey) return "It was mistyped or has been revoked. Enter it again, or ask for a new one.";
  return "This service answers only to those who hold an API key. Whoever runs it can give you one.";
}

// What is typed here goes nowhere but into the header of this page's own requests.
function keyForm(retry) {
  const input = h("input", {
    id: "key", type: "password", required: true, autocomplete: "off", autocapitalize: "none", spellcheck: "false",
    pattern: "\\s*osk_[A-Za-z0-9_\\-]{43}\\s*", title: "osk_ and 43 letters, digits, - and _", "aria-describedby": "key-note",
  });
  const use = (event) => {
    event.preventDefault();
    holdKey(input.value.trim());
    retry();
  };
  return h("form", { class: "key", onsubmit: use },
    h("label", { for: "key" }, "API key"),
    h("div", { class: "key-row" }, input, h("button", { type: "submit", class: "primary" }, "Use this key")),
    h("p", { class: "note", id: "key-note" }, "This tab keeps it until it is closed."));
}

/** A panel that says one thing in the middle of the page. */
export function panel(state, glyph, heading, ...children) {
  return h("section", { class: `panel message ${state}`, "data-state": state, "aria-labelledby": "message-heading" },
    icon(glyph, "glyph"),
    h("h2", { id: "message-heading", tabindex: "-1" }, heading),
    ...children);
}

function quoted(value) {
  return h("q", {}, h("bdi", { class: "code" }, value));
}

/** What was typed may belong to another field: one click tries it there. */
function otherWays(kind, value) {
  const others = Object.keys(KINDS).filter((other) => other !== kind && (other !== "order" || isOrderUid(value)));
  const words = { order: "an order id", track_number: "a track number", customer_id: "a customer" };
  return h("p", { class: "actions" }, others.map((other) =>
    h("a", { class: "quiet", href: linkTo(other, value), "data-route": true }, `Try it as ${words[other]}`)));
}

// The countdown is for the eye alone: spoken every second it would be noise.
function retryLine(retry) {
  return h("p", { class: "actions" },
    h("button", { type: "button", class: "primary", onclick: retry }, "Try again"),
    h("span", { class: "note countdown", "aria-hidden": "true" }));
}

function reference({ requestId }) {
  if (!requestId) return null;
  return h("p", { class: "note reference" }, "Request ", h("span", { class: "with-copy" },
    h("span", { class: "code" }, requestId), copyButton(requestId, "request id")));
}
