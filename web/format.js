// Numbers and times as people read them, in the viewer's own locale and zone.
// Whole numbers come as a number, or as digits where they exceed 2^53 (http.js).

import { h } from "./dom.js";

/** The exact sum of whole numbers, as BigInt. */
export function sum(amounts) {
  return amounts.reduce((total, amount) => total + BigInt(amount), 0n);
}

/** The tag of a language (BCP 47) that a locale names, such as de-AT of "de_AT"; null if it names none. */
export function languageOf(locale) {
  try {
    return Intl.getCanonicalLocales(locale.replaceAll("_", "-"))[0] ?? null;
  } catch {
    return null;
  }
}

/** A whole number with its digits grouped. */
export function grouped(amount) {
  return new Intl.NumberFormat().format(BigInt(amount));
}

/** A whole amount with the code of its currency, for example "USD 1,817". */
export function money(amount, currency) {
  return new Intl.NumberFormat(undefined, {
    style: "currency",
    currency,
    currencyDisplay: "code",
    minimumFractionDigits: 0,
    maximumFractionDigits: 0,
  }).format(BigInt(amount));
}

export function count(number, one, many) {
  return `${grouped(number)} ${number === 1 ? one : many}`;
}

const EXACT = { dateStyle: "medium", timeStyle: "short" };

/** A <time> in the viewer's zone; hovering tells UTC. `when` is RFC 3339 or Unix seconds. */
export function timeElement(when, write = localTime) {
  const date = /^\d+$/.test(when) ? new Date(Number(when) * 1000) : new Date(when);
  // Payment times may be any 63-bit number; what no calendar knows is shown as it came.
  if (Number.isNaN(date.getTime())) return h("span", {}, String(when));
  return h("time", { datetime: date.toISOString(), title: utcTime(date) }, write(date));
}

export function localTime(date) {
  return new Intl.DateTimeFormat(undefined, EXACT).format(date);
}

function utcTime(date) {
  return `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

const STEPS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** "2 minutes ago"; older than a week, or in the future: the date. */
export function agoTime(date) {
  const seconds = (Date.now() - date.getTime()) / 1000;
  if (seconds < -60 || seconds > 7 * 86_400) {
    return new Intl.DateTimeFormat(undefined, { dateStyle: "medium" }).format(date);
  }
  const [unit, size] = STEPS.find(([, length]) => seconds >= length) ?? [];
  if (!unit) return "just now";
  return new Intl.RelativeTimeFormat(undefined, { style: "short" }).format(-Math.floor(seconds / size), unit);
}

/** A duration as the viewer needs it: tenths only where they say something. */
export function milliseconds(ms) {
  return `${new Intl.NumberFormat(undefined, { maximumFractionDigits: ms < 10 ? 1 : 0 }).format(ms)} ms`;
}
