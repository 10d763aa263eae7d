// Money and points: whole numbers of the smallest unit, never floats. Texts become such numbers
// and back digit by digit.

/** How many digits a currency has behind the point. */
export function placesOf(currency) {
  return new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits;
}

/** An amount in minor units with its currency, for example "USD 19.99"; `sign` also shows a plus. */
export function amount(minor, currency, sign = "auto") {
  return new Intl.NumberFormat(undefined, { style: "currency", currency, currencyDisplay: "code", signDisplay: sign })
    .format(decimal(minor, placesOf(currency)));
}

/** Points as the service writes them (a number, or its digits), grouped as the viewer has it. */
export function points(value, sign = "auto") {
  return new Intl.NumberFormat(undefined, { maximumFractionDigits: 2, signDisplay: sign }).format(value);
}

/**
 * What somebody typed, as a plain decimal such as "19.9"; null if it is no positive number with at
 * most so many places. Both a point and a comma are understood, and spaces between the digits.
 */
export function readDecimal(text, places) {
  const plain = text.replace(/[\s\u00a0\u202f']/g, "").replace(",", ".");
  const match = /^(\d{1,15})(?:\.(\d*))?$/.exec(plain);
  if (!match || (match[2] ?? "").length > places || !/[1-9]/.test(plain)) return null;
  return match[2] ? `${BigInt(match[1])}.${match[2]}` : String(BigInt(match[1]));
}

/** A plain decimal in minor units, as BigInt. */
export function toMinor(plain, places) {
  const [whole, fraction = ""] = plain.split(".");
  return BigInt(whole + fraction.padEnd(places, "0"));
}

/** Minor units as a plain decimal: 1999 is "19.99". */
export function decimal(minor, places) {
  const value = BigInt(minor);
  const digits = String(value < 0n ? -value : value).padStart(places + 1, "0");
  const cut = digits.length - places;
  return `${value < 0n ? "-" : ""}${digits.slice(0, cut)}${places ? `.${digits.slice(cut)}` : ""}`;
}
