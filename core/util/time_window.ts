/** Windows of time in the form of cron: `* 9-17 * * mon-fri`. */

/** Ranges of the fields from the left, as a pattern of seven has them. */
const FIELDS = [
  { name: "second", min: 0, max: 59 },
  { name: "minute", min: 0, max: 59 },
  { name: "hour", min: 0, max: 23 },
  { name: "day of month", min: 1, max: 31 },
  { name: "month", min: 1, max: 12 },
  // Sunday is 0 and 7.
  { name: "day of week", min: 0, max: 7 },
  { name: "year", min: 1970, max: 2099 },
] as const;

const NAMES: Readonly<Record<string, readonly string[]>> = {
  month: "jan feb mar apr may jun jul aug sep oct nov dec".split(" "),
  "day of week": "sun mon tue wed thu fri sat".split(" "),
};

type Field = (typeof FIELDS)[number];

/** The values of one field; undefined: all of them. */
type Values = ReadonlySet<number> | undefined;

export class TimeWindow {
  readonly #fields: readonly Values[];
  readonly #format: Intl.DateTimeFormat;

  /**
   * Reads a pattern of five fields (minute, hour, day of month, month, day of week), of six (with a
   * year behind) or of seven (with seconds in front). `timezone` is a name of the IANA database;
   * empty and `Local` mean that of this host. Throws an Error that says what is wrong.
   */
  constructor(pattern: string, timezone: string) {
    const words = pattern.trim().toLowerCase().split(/\s+/);
    if (words.length < 5 || words.length > 7) {
      throw new Error(`"${pattern}" has ${words.length} fields, not 5 to 7`);
    }
    const [seconds, year] = [words.length === 7 ? [] : ["*"], words.length === 5 ? ["*"] : []];
    const all = [...seconds, ...words, ...year];
    this.#fields = FIELDS.map((field, index) => valuesOf(all[index] ?? "*", field));
    try {
      const zone = ["", "local"].includes(timezone.toLowerCase()) ? {} : { timeZone: timezone };
      this.#format = new Intl.DateTimeFormat("en-US", { ...FORMAT, ...zone });
    } catch {
      throw new Error(`"${timezone}" is not a time zone`);
    }
  }

  contains(date: Date): boolean {
    const parts = Object.fromEntries(
      this.#format.formatToParts(date).map(({ type, value }) => [type, value]),
    );
    const weekday = NAMES["day of week"]?.indexOf(String(parts["weekday"]).toLowerCase()) ?? 0;
    const numbers = ["second", "minute", "hour", "day", "month"].map((type) => Number(parts[type]));
    const [second, minute, hour, day, month] = numbers;
    const has = (index: number, value: number | undefined) =>
      this.#fields[index]?.has(value ?? -1) ?? true;
    // As cron has it: when both kinds of day are given, one of them is enough.
    const bothDays = this.#fields[3] !== undefined && this.#fields[5] !== undefined;
    const [inMonth, inWeek] = [has(3, day), has(5, weekday)];
    return has(0, second) && has(1, minute) && has(2, hour) && has(4, month) &&
      has(6, Number(parts["year"])) && (bothDays ? inMonth || inWeek : inMonth && inWeek);
  }
}

const FORMAT = {
  year: "numeric",
  month: "numeric",
  day: "numeric",
  weekday: "short",
  hour: "numeric",
  minute: "numeric",
  second: "numeric",
  hourCycle: "h23",
} as const;

function valuesOf(text: string, field: Field): Values {
  if (text === "*" || text === "?") return undefined;
  const values = new Set<number>();
  for (const part of text.split(",")) {
    const [range = "", stepText] = part.split("/", 2);
    const step = stepText === undefined ? 1 : Number(stepText);
    if (!Number.isInteger(step) || step < 1) throw unreadable(text, field);
    const [from, to] = rangeOf(range, field, stepText !== undefined);
    if (from === undefined || to === undefined || from > to) throw unreadable(text, field);
    for (let value = from; value <= to; value += step) values.add(value);
  }
  if (field.name === "day of week" && values.has(7)) values.add(0);
  return values;
}

/** `5`, `1-5`, `mon-fri`, `*`; with a step, a single value means from there on. */
function rangeOf(
  text: string,
  field: Field,
  isOpen: boolean,
): readonly [from: number | undefined, to: number | undefined] {
  if (text === "*") return [field.min, field.max];
  const [first = "", last] = text.split("-", 2);
  const from = numberOf(first, field);
  return [from, last === undefined ? (isOpen ? field.max : from) : numberOf(last, field)];
}

function numberOf(text: string, field: Field): number | undefined {
  const named = NAMES[field.name]?.indexOf(text.slice(0, 3)) ?? -1;
  if (named >= 0 && /^[a-z]{3,}$/.test(text)) return named + field.min;
  if (!/^\d+$/.test(text)) return undefined;
  const value = Number(text);
  return value < field.min || value > field.max ? undefined : value;
}

function unreadable(text: string, field: Field): Error {
  return new Error(`"${text}" is no ${field.name} (${field.min} to ${field.max})`);
}
