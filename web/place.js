// The place that the address bar names: a part of the shop by the hash (#/shop/purchases/<id>), or
// orders by the query: one, a list found by a field, or the start. Every place is a shareable link;
// nothing else of the page's state is kept in the URL.

export const KINDS = {
  order: { label: "Order id", hint: "Enter an order id" },
  track_number: { label: "Track number", hint: "Enter a track number" },
  customer_id: { label: "Customer", hint: "Enter a customer id" },
};

const PARTS = ["shop", "points", "account"];

/**
 * The place that a URL names: {part, path, kind, value}. The part of orders has a kind and a value
 * ({kind: "home"} if the query names none), the others have a path: the words behind their name.
 */
export function readPlace(url) {
  const [part, ...path] = url.hash.startsWith("#/") ? words(url.hash.slice(2)) : [];
  if (PARTS.includes(part)) return { part, path, kind: part, value: path.join("/") };
  for (const kind of Object.keys(KINDS)) {
    const value = url.searchParams.get(kind)?.trim();
    if (value) return { part: "orders", path: [], kind, value };
  }
  return { part: "orders", path: [], kind: "home", value: "" };
}

/** The address of a place of the orders, relative to the host. */
export function linkTo(kind, value) {
  return kind === "home" ? "/" : `/?${new URLSearchParams({ [kind]: value })}`;
}

/** The address of a place of another part, relative to the host. */
export function linkToPart(part, ...path) {
  return `/#/${[part, ...path].map(encodeURIComponent).join("/")}`;
}

function words(path) {
  try {
    return path.split("/").filter(Boolean).map(decodeURIComponent);
  } catch {
    return []; // a percent sign that means nothing
  }
}

// "." and ".." fit the rule too, but no browser can ask for such a path.
const ORDER_UID = /^(?!\.{1,2}$)[A-Za-z0-9_.:-]{1,64}$/;

/** Whether a text can be an order id at all; only then is the service asked. */
export function isOrderUid(text) {
  return ORDER_UID.test(text);
}
