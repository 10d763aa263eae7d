// The key of a service that closes reading. It lives as long as this tab: sessionStorage is
// neither shared with other tabs nor kept when this one is closed. Everyone who shows what a
// key admits to hears "keychange" on the document, and "keyneeded" when the service refuses.

const KEY = "order-service.key";
let unstored = ""; // where the browser forbids storage: until the page is left

/** The key that requests carry; "" for none. */
export function heldKey() {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return unstored;
  }
}

/** Lets all further requests carry this key; "" forgets it. */
export function holdKey(key) {
  try {
    if (key) sessionStorage.setItem(KEY, key);
    else sessionStorage.removeItem(KEY);
  } catch {
    unstored = key;
  }
  document.dispatchEvent(new Event("keychange"));
}

/** Tells that the service refused a request that carried `sent`; "" for none. */
export function keyRefused(problem, sent) {
  problem.hadKey = Boolean(sent);
  // Only the key that was refused: a better one may have come in the meantime.
  if (problem.status === 401 && sent && sent === heldKey()) holdKey("");
  document.dispatchEvent(new CustomEvent("keyneeded", { detail: problem }));
}
