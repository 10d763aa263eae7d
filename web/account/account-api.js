// What the service knows of the person who is signed in.

import { asPerson } from "../person.js";

const SIGN_INS_PAGE = 10;

/** Login, name, e-mail address, since when. */
export async function getInfo(signal) {
  const { body } = await asPerson("/auth/info", { signal });
  return body;
}

/** The open sessions, the one that was used last first. */
export async function listSessions(signal) {
  const { body } = await asPerson("/auth/sessions", { signal });
  return body.sessions;
}

/** Ends one session; one that has ended meanwhile is as good. */
export async function endSession(id) {
  try {
    await asPerson(`/auth/sessions/${encodeURIComponent(id)}`, { method: "DELETE" });
  } catch (error) {
    if (error.status !== 404) throw error;
  }
}

/** Ends all sessions, this one too. */
export async function endAllSessions() {
  await asPerson("/auth/sessions", { method: "DELETE" });
}

/** A page of attempts to sign in, newest first: {sign_ins, next_cursor}. */
export async function listSignIns(cursor, signal) {
  const query = new URLSearchParams({ limit: SIGN_INS_PAGE, ...(cursor && { cursor }) });
  const { body } = await asPerson(`/auth/sign-ins?${query}`, { signal });
  return body;
}

/** Changes the password; all other sessions end. */
export async function changePassword(password, newPassword) {
  await asPerson("/auth/password", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ password, new_password: newPassword }),
  });
}
