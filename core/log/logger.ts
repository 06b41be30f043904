/** The runner's own log. Never a job's output, never a secret. */

export type LogLevel = "debug" | "info" | "warning" | "error" | "fatal" | "panic";

/** Structured fields of a log line. Values are printed with String(). */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Writes leveled lines with fields; `with` binds fields to every later line. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warning(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  fatal(message: string, fields?: LogFields): void;
  with(fields: LogFields): Logger;
}
