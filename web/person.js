// Requests in the name of the person who is signed in.

import { Problem, send } from "./http.js";
import { accessToken, tokenInsteadOf } from "./session.js";

/** Nobody is signed in, and what was asked for needs a person. */
export class SignInNeeded extends Error {}

/** Sends a request as `send` does, with an access token; one that has expired is renewed. */
export async function asPerson(path, options = {}) {
  const token = required(await accessToken());
  try {
    return await sendWith(token, path, options);
  } catch (error) {
    if (!(error instanceof Problem) || !error.stale) throw error;
    return sendWith(required(await tokenInsteadOf(token)), path, options);
  }
}

/** The headers of a request in the name of the person; for answers that are read as they come. */
export async function personHeaders() {
  return { Authorization: `Bearer ${required(await accessToken())}` };
}

function sendWith(token, path, options) {
  return send(path, { ...options, headers: { ...options.headers, Authorization: `Bearer ${token}` } });
}

function required(token) {
  if (!token) throw new SignInNeeded();
  return token;
}
