// Numbers in the reader's locale and the shop's currency.

// Decimals of the currencies that do not have two, as in currencies.py.
const DIGITS = {
  BIF: 0, CLP: 0, DJF: 0, GNF: 0, ISK: 0, JPY: 0, KMF: 0, KRW: 0, PYG: 0, RWF: 0, UGX: 0, UYI: 0, VND: 0, VUV: 0, XAF: 0,
  XOF: 0, XPF: 0, BHD: 3, IQD: 3, JOD: 3, KWD: 3, LYD: 3, OMR: 3, TND: 3, CLF: 4, UYW: 4,
};

let currency = "USD";
let cache = new Map();

export function useCurrency(code) {
  if (code && code !== currency) {
    currency = code;
    cache = new Map();
  }
}

function number(key, options) {
  if (!cache.has(key)) cache.set(key, new Intl.NumberFormat(undefined, options));
  return cache.get(key);
}

/** How many minor units, such as cents, the currency has. */
export const minor = () => 10 ** (DIGITS[currency] ?? 2);

/** The currency's code, for fields of amounts. */
export const unit = () => currency;

const MISSING = "–";
const missing = (value) => value === null || value === undefined || Number.isNaN(value);

/** An amount in cents as money; from 100 units on without cents. */
export function money(cents) {
  if (missing(cents)) return MISSING;
  const whole = Math.abs(cents) >= 100 * minor();
  const options = { style: "currency", currency, currencyDisplay: "narrowSymbol" };
  if (whole) Object.assign(options, { minimumFractionDigits: 0, maximumFractionDigits: 0 });
  return number(`money${whole}`, options).format(cents / minor());
}

/** The ends of a range of money, both with or both without cents. */
export function ends(low, high) {
  const write = Math.max(Math.abs(low), Math.abs(high)) >= 100 * minor() ? wholeMoney : money;
  return [write(low), write(high)];
}

/** Money without cents, for limits. */
export function wholeMoney(cents) {
  const options = { style: "currency", currency, currencyDisplay: "narrowSymbol", minimumFractionDigits: 0, maximumFractionDigits: 0 };
  return number("whole", options).format(cents / minor());
}

/** A text of the service with its amounts as the page writes them: "442,329.77 GBP" becomes "£442,330". */
export function ours(text) {
  const amount = new RegExp(`(-?\\d[\\d,]*(?:\\.\\d+)?) ${currency}\\b`, "g");
  return String(text ?? "").replace(amount, (_, figure) => money(Math.round(Number(figure.replaceAll(",", "")) * minor())));
}

/** Money for an axis, shortened. */
export function shortMoney(cents) {
  const options = { style: "currency", currency, currencyDisplay: "narrowSymbol", notation: "compact" };
  return number("short", { ...options, minimumFractionDigits: 0, maximumFractionDigits: 1 }).format(cents / minor());
}

export function count(value, digits = 0) {
  return missing(value) ? MISSING : number(`count${digits}`, { maximumFractionDigits: digits }).format(value);
}

/** A count with its noun: "1 order", "2 orders". */
export function many(value, one, several = `${one}s`) {
  return `${count(value)} ${value === 1 ? one : several}`;
}

export function shortCount(value) {
  return number("compact", { notation: "compact", maximumFractionDigits: 1 }).format(value);
}

/** A share from 0 to 1 as percent. */
export function percent(share, digits = 0) {
  if (missing(share)) return MISSING;
  // A probability that rounds to 0 or 100 % is neither.
  const step = 10 ** -(digits + 2);
  if (digits === 0 && share > 0 && share < step / 2) return `<\u2009${number("pc0", { style: "percent" }).format(step)}`;
  if (digits === 0 && share < 1 && share > 1 - step / 2) return `>\u2009${number("pc0", { style: "percent" }).format(1 - step)}`;
  return number(`pc${digits}`, { style: "percent", maximumFractionDigits: digits }).format(share);
}

/** A change, with its sign. */
export function change(share, digits = 1) {
  if (missing(share)) return MISSING;
  return number(`ch${digits}`, { style: "percent", maximumFractionDigits: digits, signDisplay: "exceptZero" }).format(share);
}

export function signed(value, digits = 1) {
  return number(`sg${digits}`, { maximumFractionDigits: digits, signDisplay: "exceptZero" }).format(value);
}

const utc = (text) => new Date(`${text}T00:00:00Z`);
const dates = (options) => new Intl.DateTimeFormat(undefined, { timeZone: "UTC", ...options });
const long = dates({ dateStyle: "medium" });
const monthYear = dates({ month: "short", year: "numeric" });
const monthOnly = dates({ month: "short" });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export const toDate = utc;
export const day = (text) => (text ? long.format(utc(text)) : MISSING);
export const dayOf = (date) => long.format(date);
export const month = (text) => monthYear.format(utc(`${text}-01`));
export const monthName = (date) => monthOnly.format(date);
export const monthAndYear = (date) => monthYear.format(date);
export const time = (text) => moment.format(new Date(text));

/** A month or a quarter as the API writes it. */
export function cohort(text) {
  const quarter = /^(\d+)-(Q\d)$/.exec(text);
  return quarter ? `${quarter[2]} ${quarter[1]}` : month(text);
}

export function days(value) {
  if (missing(value)) return MISSING;
  return number("days", { style: "unit", unit: "day", unitDisplay: "long", maximumFractionDigits: 0 }).format(value);
}

/** high_value → High value */
export function words(name) {
  const text = String(name ?? "").replaceAll("_", " ").replace("cant ", "can’t ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}
