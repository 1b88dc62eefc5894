/** The letters of strftime, in local time. */
export type FormattedDate =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly message: string };

/** Formats a moment, given in milliseconds since the epoch, such as `%Y-%m-%d`. */
export function formatDate(format: string, at: number): FormattedDate {
  const date = new Date(at);
  const unknown: string[] = [];
  const text = format.replace(/%([-_0^]?)(.)/gsu, (whole, flag: string, letter: string) => {
    const part = LETTERS[letter]?.(date);
    if (part === undefined) unknown.push(whole);
    return part === undefined ? whole : flagged(part, flag);
  });
  if (unknown.length === 0) return { ok: true, text };
  return { ok: false, message: `a date has no ${unknown.join(", ")}; letters: ${Object.keys(LETTERS).join(" ")}` };
}

const LETTERS: Readonly<Record<string, (date: Date) => string>> = {
  Y: (date) => String(date.getFullYear()),
  C: (date) => padded(Math.floor(date.getFullYear() / 100)),
  y: (date) => padded(date.getFullYear() % 100),
  m: (date) => padded(date.getMonth() + 1),
  d: (date) => padded(date.getDate()),
  e: (date) => padded(date.getDate(), 2, " "),
  H: (date) => padded(date.getHours()),
  I: (date) => padded(date.getHours() % 12 || 12),
  k: (date) => padded(date.getHours(), 2, " "),
  l: (date) => padded(date.getHours() % 12 || 12, 2, " "),
  M: (date) => padded(date.getMinutes()),
  S: (date) => padded(date.getSeconds()),
  L: (date) => padded(date.getMilliseconds(), 3),
  N: (date) => padded(date.getMilliseconds() * 1_000_000, 9),
  f: (date) => padded(date.getMilliseconds() * 1_000_000, 9),
  p: (date) => (date.getHours() < 12 ? "AM" : "PM"),
  P: (date) => (date.getHours() < 12 ? "am" : "pm"),
  a: (date) => named(DAYS, date.getDay()).slice(0, 3),
  A: (date) => named(DAYS, date.getDay()),
  b: (date) => named(MONTHS, date.getMonth()).slice(0, 3),
  h: (date) => named(MONTHS, date.getMonth()).slice(0, 3),
  B: (date) => named(MONTHS, date.getMonth()),
  j: (date) => padded(dayOfYear(date), 3),
  u: (date) => String(date.getDay() || 7),
  w: (date) => String(date.getDay()),
  U: (date) => padded(Math.floor((dayOfYear(date) + 6 - date.getDay()) / 7)),
  W: (date) => padded(Math.floor((dayOfYear(date) + 6 - ((date.getDay() + 6) % 7)) / 7)),
  V: (date) => padded(isoWeek(date).week),
  G: (date) => String(isoWeek(date).year),
  s: (date) => String(Math.floor(date.getTime() / 1000)),
  z: (date) => zone(date, ""),
  Z: (date) => zone(date, ":"),
  D: (date) => all("%m/%d/%y", date),
  x: (date) => all("%m/%d/%y", date),
  F: (date) => all("%Y-%m-%d", date),
  T: (date) => all("%H:%M:%S", date),
  X: (date) => all("%H:%M:%S", date),
  R: (date) => all("%H:%M", date),
  r: (date) => all("%I:%M:%S %p", date),
  c: (date) => all("%a %b %e %H:%M:%S %Y", date),
  "+": (date) => all("%Y-%m-%dT%H:%M:%S%Z", date),
  n: () => "\n",
  t: () => "\t",
  "%": () => "%",
};

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = "January February March April May June July August September October November December".split(" ");
const DAY_MS = 24 * 60 * 60 * 1000;

function all(format: string, date: Date): string {
  const formatted = formatDate(format, date.getTime());
  return formatted.ok ? formatted.text : "";
}

function named(names: readonly string[], index: number): string {
  return names[index] ?? "";
}

function padded(value: number, width = 2, by = "0"): string {
  return String(value).padStart(width, by);
}

/** `%-d` has no padding, `%_d` spaces, `%0e` zeros, `%^a` capitals. */
function flagged(text: string, flag: string): string {
  if (flag === "-") return text.replace(/^[0 ]+(?=\d)/, "");
  if (flag === "_") return text.replace(/^0+(?=\d)/, (zeros) => " ".repeat(zeros.length));
  if (flag === "0") return text.replace(/^ +(?=\d)/, (spaces) => "0".repeat(spaces.length));
  return flag === "^" ? text.toUpperCase() : text;
}

/** Days are counted in UTC, where each has 24 hours. */
function dayOfYear(date: Date): number {
  const day = Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  return Math.round((day - Date.UTC(date.getFullYear(), 0, 1)) / DAY_MS) + 1;
}

/** The week that has the year's first Thursday is its first. */
function isoWeek(date: Date): { readonly week: number; readonly year: number } {
  const day = new Date(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()));
  const thursday = new Date(day.getTime() + (4 - (day.getUTCDay() || 7)) * DAY_MS);
  const year = thursday.getUTCFullYear();
  return { year, week: Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / DAY_MS / 7) + 1 };
}

function zone(date: Date, separator: string): string {
  const minutes = -date.getTimezoneOffset();
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `${minutes < 0 ? "-" : "+"}${padded(hours)}${separator}${padded(rest)}`;
}
