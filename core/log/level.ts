/** Log levels, their order and their names. */

import type { LogLevel } from "./logger.ts";

/** From the chattiest to the most severe. */
export const LOG_LEVELS: readonly LogLevel[] = [
  "debug",
  "info",
  "warning",
  "error",
  "fatal",
  "panic",
];

/** The names to choose from, for messages. */
export const LEVEL_CHOICE = "debug, info, warn, error, fatal or panic";

/** The level that a user names, in any case; `warn` is `warning`. Undefined: there is none such. */
export function parseLogLevel(name: string): LogLevel | undefined {
  const lower = name.toLowerCase();
  return LOG_LEVELS.find((level) => level === lower || (lower === "warn" && level === "warning"));
}

/** Whether a log set to `threshold` shows lines of `level`. */
export function isShown(level: LogLevel, threshold: LogLevel): boolean {
  return LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(threshold);
}
