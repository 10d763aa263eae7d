// My account: who is signed in, where they are signed in, and who tried to be.

import { announce, h } from "../dom.js";
import { explain, form, whilePending } from "../form.js";
import { agoTime, timeElement } from "../format.js";
import { sequence } from "../lists.js";
import { linkToPart } from "../place.js";
import { isSignedIn, sessionEnded, sessionKnown, signOut } from "../session.js";
import { changePassword, endAllSessions, endSession, getInfo, listSessions, listSignIns } from "./account-api.js";
import { deviceName } from "./devices.js";
import { passwordField, signUpPanel, takeWanted } from "./sign-in-view.js";

/** The view of a place of this part. */
export async function openAccount({ path }, signal, go) {
  if (path[0] === "sign-up") {
    await sessionKnown();
    if (!isSignedIn()) return signUpPanel();
    go(takeWanted(), { moveFocus: true, replace: true });
    return {};
  }
  const [info, sessions, signIns] = await Promise.all([getInfo(signal), listSessions(signal), listSignIns(null, signal)]);
  const open = sessionsPanel(sessions);
  const view = h("div", { class: "part" }, header(info), open, signInsPanel(signIns, signal), passwordPanel(() => redraw(open)));
  return { view, title: "Account", said: `Signed in as ${info.login}` };
}

function header(info) {
  const leave = h("button", { type: "button", class: "quiet" }, "Sign out");
  const trouble = h("p", { class: "form-error", role: "alert" });
  leave.addEventListener("click", () => trying(leave, trouble, signOut));
  return h("section", { class: "panel head account-head", "aria-labelledby": "account-heading" },
    h("div", {},
      h("p", { class: "eyebrow" }, "Signed in as"),
      h("h2", { id: "account-heading", tabindex: "-1", dir: "auto" }, info.login)),
    h("p", { class: "actions" }, leave),
    h("dl", { class: "facts row" },
      fact("Name", info.name),
      info.email && info.email !== info.login && fact("E-mail", info.email),
      fact("Member since", timeElement(info.created_at, dateOnly)),
      info.admin && fact("Rights", "Administrator")),
    trouble);
}

function fact(name, value) {
  return h("div", {}, h("dt", {}, name), h("dd", { dir: "auto" }, value || h("span", { class: "none" }, "none")));
}

function dateOnly(date) {
  return new Intl.DateTimeFormat(undefined, { dateStyle: "medium" }).format(date);
}

// --- sessions ---

function sessionsPanel(sessions) {
  const trouble = h("p", { class: "form-error", role: "alert" });
  const list = h("ul", { class: "rows" });
  const others = () => list.querySelectorAll("li:not(.current)").length;
  const draw = () => {
    everywhere.hidden = !others();
  };
  const everywhere = confirmed("Sign out everywhere", "Yes, end all sessions", (button) =>
    trying(button, trouble, async () => {
      await endAllSessions();
      sessionEnded();
    }));
  list.append(...sessions.map((session) => sessionRow(session, trouble, draw)));
  draw();
  return h("section", { class: "panel", "aria-labelledby": "sessions-heading" },
    h("h3", { id: "sessions-heading", tabindex: "-1" }, "Where you are signed in"), list, trouble, everywhere);
}

async function redraw(panel) {
  panel.replaceWith(sessionsPanel(await listSessions()));
}

function sessionRow(session, trouble, draw) {
  const name = deviceName(session.user_agent);
  const end = h("button", { type: "button", class: "quiet", "aria-label": `End the session of ${name}` }, "End");
  const row = h("li", { class: session.current ? "current" : null },
    h("div", { class: "what" },
      h("strong", { title: session.user_agent }, name),
      h("span", { class: "note" }, session.address, " · last used ", timeElement(session.last_used_at, agoTime),
        " · since ", timeElement(session.created_at))),
    session.current ? h("span", { class: "badge good" }, "this one") : end);
  end.addEventListener("click", () => trying(end, trouble, async () => {
    await endSession(session.id);
    const next = row.nextElementSibling?.querySelector("button") ?? document.getElementById("sessions-heading");
    row.remove();
    next.focus();
    draw();
    announce(`The session of ${name} has ended`);
  }));
  return row;
}

/** A button whose first click asks, and whose second one does it. */
function confirmed(label, sure, act) {
  const button = h("button", { type: "button", class: "quiet" }, label);
  const really = h("button", { type: "button", class: "quiet danger", hidden: true }, sure);
  const no = h("button", { type: "button", class: "quiet", hidden: true }, "No");
  const ask = (asking) => {
    button.hidden = asking;
    really.hidden = no.hidden = !asking;
    (asking ? no : button).focus();
  };
  button.addEventListener("click", () => ask(true));
  no.addEventListener("click", () => ask(false));
  really.addEventListener("click", () => act(really));
  return h("p", { class: "actions below" }, button, really, no);
}

// --- sign-ins ---

const RESULTS = {
  registered: ["Account created", "good"],
  signed_in: ["Signed in", "good"],
  refused: ["Wrong password", "bad"],
  disabled: ["Refused: account disabled", "bad"],
  password_changed: ["Password changed", ""],
  token_reused: ["Session ended: its token was copied", "bad"],
};

function signInsPanel(page, signal) {
  const list = sequence({
    className: "rows", page, row: signInRow, items: (next) => next.sign_ins, more: (cursor) => listSignIns(cursor, signal), what: "sign-ins",
  });
  return h("section", { class: "panel", "aria-labelledby": "sign-ins-heading" },
    h("h3", { id: "sign-ins-heading" }, "Sign-in history"),
    h("p", { class: "note above" }, "Something here that was not you? Change your password and sign out everywhere."),
    list);
}

function signInRow(entry) {
  const [words, state] = RESULTS[entry.result] ?? [entry.result, ""];
  return h("li", { tabindex: "-1" },
    h("div", { class: "what" },
      h("strong", { class: state }, words),
      h("span", { class: "note" }, deviceName(entry.user_agent), " · ", entry.address)),
    h("span", { class: "note when" }, timeElement(entry.at)));
}

// --- password ---

function passwordPanel(changed) {
  const done = h("p", { class: "check ok", role: "status" });
  const element = form(
    {
      label: "Change password",
      submit: "Change password",
      send: async (given, built) => {
        await changePassword(given.password, given.new_password);
        built.reset();
        done.textContent = "The password is changed. All other sessions have ended.";
        await changed();
      },
    },
    passwordField("current-password", "", "password", "Present password"),
    passwordField("new-password", "All other sessions end with it.", "new_password", "New password"),
    done);
  element.addEventListener("input", () => {
    done.textContent = "";
  });
  return h("details", { class: "panel" }, h("summary", {}, "Change password"), element);
}

async function trying(button, trouble, work) {
  trouble.textContent = "";
  await whilePending(button, async () => {
    try {
      await work();
    } catch (error) {
      trouble.textContent = explain(error);
    }
  });
}
