// The check digit of order numbers (Luhn, ISO/IEC 7812-1): a hint for who types; the service decides.

/** Whether a text of digits has the check digit that it should have. */
export function hasCheckDigit(digits) {
  if (!/^\d{2,}$/.test(digits)) return false;
  const doubled = (digit) => (digit > 4 ? 2 * digit - 9 : 2 * digit);
  const sum = [...digits].reverse().reduce((total, digit, index) => total + (index % 2 ? doubled(Number(digit)) : Number(digit)), 0);
  return sum % 10 === 0;
}

/** What is wrong with an order number, in words; "" if nothing is. */
export function numberFault(text) {
  const digits = text.replace(/\s/g, "");
  if (!/^\d+$/.test(digits)) return "An order number has digits only.";
  return hasCheckDigit(digits) ? "" : "The last digit does not fit the others: please check for a typing mistake.";
}
