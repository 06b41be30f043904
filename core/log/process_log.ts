/** The process log: leveled lines to one stream, in a form and from a level that can change. */

import { formatEntry, type LogFormat } from "./format.ts";
import { isShown } from "./level.ts";
import type { LogFields, Logger, LogLevel } from "./logger.ts";

export interface LogSettings {
  readonly level: LogLevel;
  readonly format: LogFormat;
}

export interface ProcessLogOptions extends LogSettings {
  /** Takes one line with its line end. */
  readonly write: (line: string) => void;
  readonly colors: boolean;
  readonly now?: () => Date;
}

/** The log of one process and its switches. */
export interface ProcessLog {
  readonly logger: Logger;
  /** What is in force from the next line on, for every logger that came from this log. */
  configure(settings: Partial<LogSettings>): void;
  /** Calls `listener` with the level of each line from `warning` up, also of lines not shown. */
  count(listener: (level: LogLevel) => void): void;
}

/** Opens a log. Field values are printed with String(), so a `Secret` stays hidden. */
export function createProcessLog(options: ProcessLogOptions): ProcessLog {
  const now = options.now ?? (() => new Date());
  let settings: LogSettings = { level: options.level, format: options.format };
  let counted: (level: LogLevel) => void = () => {};

  function write(level: LogLevel, message: string, fields: LogFields): void {
    if (isShown(level, "warning")) counted(level);
    if (!isShown(level, settings.level)) return;
    const entry = { level, message, fields, time: now() };
    options.write(`${formatEntry(entry, { format: settings.format, colors: options.colors })}\n`);
  }

  return {
    logger: boundLogger(write, {}),
    configure(change) {
      settings = { ...settings, ...change };
    },
    count(listener) {
      counted = listener;
    },
  };
}

type WriteEntry = (level: LogLevel, message: string, fields: LogFields) => void;

function boundLogger(write: WriteEntry, bound: LogFields): Logger {
  const at = (level: LogLevel) => (message: string, fields?: LogFields) =>
    write(level, message, { ...bound, ...fields });
  return {
    debug: at("debug"),
    info: at("info"),
    warning: at("warning"),
    error: at("error"),
    fatal: at("fatal"),
    with: (fields) => boundLogger(write, { ...bound, ...fields }),
  };
}
