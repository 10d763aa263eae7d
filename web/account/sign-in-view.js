// Signing in and signing up.

import { h, icon } from "../dom.js";
import { field, form } from "../form.js";
import { linkToPart } from "../place.js";
import { signIn, signUp } from "../session.js";

const REASONS = {
  shop: "Sign in to use your wallet and to buy.",
  points: "Sign in to see your points.",
  account: "With an account you buy, follow your orders and collect points.",
};

let wanted = ""; // the address that somebody wanted who had to sign up first

/** Asks the person to sign in; the place is shown as soon as they have. */
export function signInPanel(place) {
  if (place.part !== "account") wanted = location.href;
  const view = panel("Sign in", REASONS[place.part], signInForm(),
    h("p", { class: "note" }, "New here? ", h("a", { href: linkToPart("account", "sign-up"), "data-route": true }, "Create an account")));
  return { view, title: "Sign in", said: "Sign in" };
}

/** Lets somebody register. */
export function signUpPanel() {
  const view = panel("Create an account", REASONS.account, signUpForm(),
    h("p", { class: "note" }, "You have an account? ", h("a", { href: linkToPart("account"), "data-route": true }, "Sign in")));
  return { view, title: "Create an account", said: "Create an account" };
}

/** Where somebody wanted to go before they had to sign up; then forgotten. */
export function takeWanted() {
  const href = wanted || linkToPart("account");
  wanted = "";
  return href;
}

function panel(heading, reason, ...children) {
  return h("section", { class: "panel narrow", "aria-labelledby": "message-heading" },
    icon("person", "glyph"),
    h("h2", { id: "message-heading", tabindex: "-1" }, heading),
    h("p", { class: "lead" }, reason),
    ...children);
}

function signInForm() {
  return form(
    { label: "Sign in", submit: "Sign in", send: ({ login, password }) => signIn(login.trim(), password) },
    loginField("Login or e-mail address"),
    passwordField("current-password", ""));
}

function signUpForm() {
  return form(
    {
      label: "Create an account",
      submit: "Create account",
      send: ({ login, password, name }) => signUp({ login: login.trim(), password, name: name.trim() }),
    },
    loginField("Login or e-mail address", "You sign in with it. Upper and lower case are the same."),
    field({ name: "name", label: "Name", optional: true, autocomplete: "name", maxlength: 255 }),
    passwordField("new-password", "A few words are better than one with tricks."));
}

function loginField(label, hint = "") {
  return field({
    name: "login", label, hint, autocomplete: "username", autocapitalize: "none", autocorrect: "off", spellcheck: "false", maxlength: 255,
  });
}

/** A password field with a button that shows what was typed. */
export function passwordField(autocomplete, hint, name = "password", label = "Password") {
  const element = field({ name, label, hint, type: "password", autocomplete, maxlength: 1024 });
  const input = element.querySelector("input");
  const toggle = h("button", { type: "button", class: "reveal", "aria-pressed": "false", "aria-label": `Show ${label.toLowerCase()}` }, "Show");
  toggle.addEventListener("click", () => {
    const shown = input.type === "text";
    input.type = shown ? "password" : "text";
    toggle.setAttribute("aria-pressed", String(!shown));
  });
  const row = h("div", { class: "with-reveal" });
  input.replaceWith(row);
  row.append(input, toggle);
  return element;
}
