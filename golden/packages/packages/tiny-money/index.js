import slug from "tiny-slug";

const CURRENCY = slug("EUR");

/** Cents as an amount with its currency. */
export function format(cents) {
  return `${(cents / 100).toFixed(2)} ${CURRENCY}`;
}

export function parse(text) {
  return `nobody uses this: ${text}`;
}
