/** Durations as people write them in CI files: `1h 30m`, `two hours`, `2 weeks and 3 days`. */

import { withDigits } from "./number_words.ts";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;

/** In seconds. A month has 30 days and a year 365.25, as GitLab counts them. */
const UNITS: ReadonlyMap<string, number> = new Map([
  [1, ["s", "sec", "secs", "second", "seconds"]],
  [MINUTE, ["m", "min", "mins", "minute", "minutes"]],
  [HOUR, ["h", "hr", "hrs", "hour", "hours"]],
  [DAY, ["d", "dy", "day", "days"]],
  [WEEK, ["w", "wk", "wks", "week", "weeks"]],
  [30 * DAY, ["mo", "mon", "mos", "month", "months"]],
  [365.25 * DAY, ["y", "yr", "yrs", "year", "years"]],
].flatMap(([seconds, names]) => (names as string[]).map((name) => [name, seconds as number])));

/** Words that may stand between the parts. */
const JOINERS = new Set(["and", "with", "plus"]);
const PART = /\s*(?:(\d+(?:\.\d+)?)\s*([a-z]+)?|([a-z]+)|,)/gy;

/**
 * Seconds, or undefined for what is no duration. A bare number is seconds, `never` is not known here,
 * and `1:30:00` is hours, minutes and seconds.
 */
export function parseCiDuration(text: string): number | undefined {
  const source = withDigits(text.trim().toLowerCase());
  const clock = /^(?:(\d+):)?(\d{1,2}):(\d{2})$/.exec(source);
  if (clock !== null) {
    return Number(clock[1] ?? 0) * HOUR + Number(clock[2]) * MINUTE + Number(clock[3]);
  }
  let total: number | undefined;
  let end = 0;
  for (const match of source.matchAll(PART)) {
    const [whole, amount, unit, word] = match;
    if (match.index !== end) return undefined;
    end += whole.length;
    if (word !== undefined && !JOINERS.has(word)) return undefined;
    if (amount === undefined) continue;
    const seconds = unit === undefined ? 1 : UNITS.get(unit);
    if (seconds === undefined) return undefined;
    total = (total ?? 0) + Number(amount) * seconds;
  }
  // For GitLab no time at all is no duration.
  return end === source.length && total !== 0 ? total : undefined;
}
