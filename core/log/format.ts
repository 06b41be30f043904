/** The three forms of a log line: GitLab Runner's own, and logrus' text and JSON. */

import { ANSI } from "../util/ansi.ts";
import { LOG_LEVELS } from "./level.ts";
import type { LogFields, LogLevel } from "./logger.ts";

/** Names of the forms, as `--log-format` and `log_format` take them. */
export const LOG_FORMATS = ["runner", "text", "json"] as const;
export type LogFormat = typeof LOG_FORMATS[number];

/** The names to choose from, for messages. */
export const FORMAT_CHOICE = "runner, text or json";

/** One line of the log before it has a form. */
export interface LogEntry {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
  readonly time: Date;
}

/** Renders `entry` without a line end. `colors` matters to the `runner` form only. */
export function formatEntry(
  entry: LogEntry,
  options: { format: LogFormat; colors: boolean },
): string {
  switch (options.format) {
    case "runner":
      return formatRunner(entry, options);
    case "text":
      return formatText(entry);
    case "json":
      return formatJson(entry);
  }
}

/** Columns of the message, its prefix included, before the fields begin. */
const MESSAGE_WIDTH = 50;

const LEVEL_COLORS: Readonly<Record<LogLevel, string>> = {
  debug: "\x1b[37;1m",
  info: "",
  warning: ANSI.warning,
  error: ANSI.error,
  fatal: ANSI.error,
  panic: ANSI.error,
};

/** GitLab Runner's form; helper commands print it into job logs, always with colours. */
export function formatRunner(
  entry: Omit<LogEntry, "time">,
  options: { colors: boolean },
): string {
  const color = options.colors ? LEVEL_COLORS[entry.level] : "";
  const reset = options.colors ? ANSI.reset : "";
  const prefix = LOG_LEVELS.indexOf(entry.level) > LOG_LEVELS.indexOf("info")
    ? `${entry.level.toUpperCase()}: `
    : "";
  const head = `${prefix}${entry.message}`.padEnd(MESSAGE_WIDTH);
  const fields = sortedFields(entry.fields)
    .map(([key, value]) => ` ${color}${key}${reset}=${printable(String(value))}`);
  return `${color}${head}${reset} ${fields.join("")}`;
}

/** What another machine sent must not move the cursor of whoever reads the log, or fake a line. */
function printable(value: string): string {
  // deno-lint-ignore no-control-regex
  return /[\x00-\x1f\x7f]/.test(value) ? JSON.stringify(value) : value;
}

/** Names that logrus keeps for itself; a field of that name moves to `fields.<name>`. */
const RESERVED_KEYS: ReadonlySet<string> = new Set(["level", "msg", "time"]);

function formatText({ level, message, fields, time }: LogEntry): string {
  const pairs = [
    `time="${localTime(time)}"`,
    `level=${level}`,
    ...(message === "" ? [] : [`msg=${quoteText(message)}`]),
    ...unreservedFields(fields).map(([key, value]) => `${key}=${quoteText(String(value))}`),
  ];
  return pairs.join(" ");
}

function formatJson({ level, message, fields, time }: LogEntry): string {
  const pairs: [string, string | number | boolean][] = [
    ...unreservedFields(fields),
    ["level", level],
    ["msg", message],
    ["time", localTime(time)],
  ];
  return escapeHtml(JSON.stringify(Object.fromEntries(pairs.sort(byKey))));
}

function unreservedFields(fields: LogFields): [string, string | number | boolean][] {
  const renamed = Object.entries(fields)
    .map(([key, value]) => [RESERVED_KEYS.has(key) ? `fields.${key}` : key, value] as const);
  return sortedFields(Object.fromEntries(renamed));
}

function sortedFields(fields: LogFields): [string, string | number | boolean][] {
  return Object.entries(fields)
    .filter((pair): pair is [string, string | number | boolean] => pair[1] !== undefined)
    .sort(byKey);
}

function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1;
}

/** logrus leaves these characters bare and quotes a value with any other. */
const BARE_TEXT = /^[A-Za-z0-9\-._/@^+]*$/;

function quoteText(value: string): string {
  return BARE_TEXT.test(value) ? value : JSON.stringify(value);
}

/** Go's JSON encoder escapes what could end a script element in a web page. */
function escapeHtml(json: string): string {
  return json.replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** RFC 3339 with seconds, in the local time zone: `2026-08-01T09:30:00+02:00`. */
function localTime(time: Date): string {
  const offset = -time.getTimezoneOffset();
  const wall = new Date(time.getTime() + offset * 60_000).toISOString().slice(0, 19);
  if (offset === 0) return `${wall}Z`;
  const hours = String(Math.floor(Math.abs(offset) / 60)).padStart(2, "0");
  const minutes = String(Math.abs(offset) % 60).padStart(2, "0");
  return `${wall}${offset < 0 ? "-" : "+"}${hours}:${minutes}`;
}
