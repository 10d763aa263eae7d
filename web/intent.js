// Idempotency keys. An intent is what somebody wants to happen once; however often it is sent,
// after a lost answer or by an impatient finger, the service sees the same key.

import { Problem } from "./http.js";

/**
 * A key for each content that is tried, the same one until that content has had its answer.
 * Call the result with the content and `work`, which gets the key and sends the request.
 */
export function intent() {
  let content = "";
  let key = "";
  return async (wanted, work) => {
    const text = JSON.stringify(wanted);
    if (text !== content || !key) [content, key] = [text, newKey()];
    try {
      const done = await work(key);
      key = "";
      return done;
    } catch (error) {
      if (isAnswered(error)) key = "";
      throw error;
    }
  };
}

/** Whether it is certain that nothing happened: what is sent next is another try. */
function isAnswered(error) {
  return error instanceof Problem && [400, 402, 404, 422].includes(error.status);
}

function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  // Plain HTTP from another machine: the page is no secure context there.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
