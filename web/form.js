// Forms: labelled fields with hints and errors beside them, and a button that is out of use while
// the service is asked. Nothing that was typed is lost when something goes wrong.

import { announce, h } from "./dom.js";
import { Problem } from "./http.js";
import { SignInNeeded } from "./person.js";

let number = 0; // of the fields so far: ids must differ

/** A field: {name, label, hint?, ...attributes of its input}; required unless `optional`. */
export function field({ name, label, hint = "", optional = false, ...attributes }) {
  number += 1;
  const id = `field-${number}`;
  const input = h("input", {
    id, name, type: "text", required: !optional, "aria-describedby": `${id}-hint ${id}-error`, ...attributes,
  });
  return h("div", { class: "form-field" },
    h("label", { for: id }, label, optional && h("span", { class: "optional" }, " optional")),
    input,
    h("p", { class: "note", id: `${id}-hint` }, hint),
    h("p", { class: "field-error", id: `${id}-error` }));
}

/**
 * A form. `check(values)` returns faults by field name; `send(values)` does what it is for;
 * `draft` keeps what is typed, for a form that is built anew.
 */
export function form({ label, submit, check = () => ({}), send, draft = null, className = "" }, ...children) {
  const button = h("button", { type: "submit", class: "primary" }, submit);
  const trouble = h("p", { class: "form-error", role: "alert" });
  const element = h("form", { class: `stack ${className}`, novalidate: true, "aria-label": label },
    children, trouble, h("p", { class: "actions" }, button));
  if (draft) keepDraft(element, draft);
  element.addEventListener("input", ({ target }) => clearFault(target));
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!button.disabled) submitted(element, button, trouble, check, send);
  });
  return element;
}

async function submitted(element, button, trouble, check, send) {
  const values = Object.fromEntries(new FormData(element));
  trouble.textContent = "";
  const faults = { ...missing(element), ...check(values) };
  if (showFaults(element, faults).length) return;
  await whilePending(button, async () => {
    try {
      await send(values, element);
    } catch (error) {
      showProblem(element, trouble, error);
    }
  });
}

/** Runs `work` with a button out of use; its focus comes back unless it went elsewhere. */
export async function whilePending(button, work) {
  const focused = document.activeElement === button || button.form?.contains(document.activeElement);
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  try {
    return await work();
  } finally {
    button.disabled = false;
    button.removeAttribute("aria-busy");
    if (focused && button.isConnected && document.activeElement === document.body) button.focus();
  }
}

/** What to say of an error where there is no field that it belongs to. */
export function explain(error) {
  if (!(error instanceof Problem)) throw error;
  if (error.kind === "unreachable") return "The service does not answer. Nothing is lost: try again.";
  if (error.status === 429) return `Too many attempts. Try again ${inSeconds(error.retryAfter)}.`;
  return error.detail || "Something went wrong. Try again in a moment.";
}

function inSeconds(seconds) {
  if (!seconds) return "later";
  if (seconds < 120) return `in ${seconds} ${seconds === 1 ? "second" : "seconds"}`;
  return `in ${Math.ceil(seconds / 60)} minutes`;
}

function showProblem(element, trouble, error) {
  if (error instanceof SignInNeeded) return; // the page asks for that already
  const shown = showFaults(element, error.fields ?? {});
  if (shown.length) return;
  trouble.textContent = explain(error);
}

function missing(element) {
  const empty = [...element.elements].filter((input) => input.required && !input.value.trim());
  return Object.fromEntries(empty.map((input) => [input.name, "Please fill this in."]));
}

/** Shows what is wrong with the fields of a form; returns those that it is wrong with. */
function showFaults(element, faults) {
  const inputs = [...element.elements].filter((input) => input.name);
  inputs.forEach(clearFault);
  const faulty = inputs.filter((input) => faults[input.name]);
  for (const input of faulty) {
    input.setAttribute("aria-invalid", "true");
    document.getElementById(`${input.id}-error`).textContent = faults[input.name];
  }
  faulty[0]?.focus();
  if (faulty.length) announce(faults[faulty[0].name]);
  return faulty;
}

function clearFault(input) {
  if (!input.hasAttribute("aria-invalid")) return;
  input.removeAttribute("aria-invalid");
  document.getElementById(`${input.id}-error`).textContent = "";
}

function keepDraft(element, draft) {
  for (const input of element.elements) if (draft[input.name]) input.value = draft[input.name];
  element.addEventListener("input", ({ target }) => {
    draft[target.name] = target.value;
  });
}
