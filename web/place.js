// The place that the address bar names: one order, a list found by a field, or the start.
// Every place is a shareable link; nothing else of the page's state is kept in the URL.

export const KINDS = {
  order: { label: "Order id", hint: "Enter an order id" },
  track_number: { label: "Track number", hint: "Enter a track number" },
  customer_id: { label: "Customer", hint: "Enter a customer id" },
};

/** The place that a URL's query names; {kind: "home"} if it names none. */
export function readPlace(url) {
  for (const kind of Object.keys(KINDS)) {
    const value = url.searchParams.get(kind)?.trim();
    if (value) return { kind, value };
  }
  return { kind: "home", value: "" };
}

/** The address of a place, relative to the host. */
export function linkTo(kind, value) {
  return kind === "home" ? "/" : `/?${new URLSearchParams({ [kind]: value })}`;
}

// "." and ".." fit the rule too, but no browser can ask for such a path.
const ORDER_UID = /^(?!\.{1,2}$)[A-Za-z0-9_.:-]{1,64}$/;

/** Whether a text can be an order id at all; only then is the service asked. */
export function isOrderUid(text) {
  return ORDER_UID.test(text);
}
