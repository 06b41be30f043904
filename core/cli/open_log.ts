/** The process log as the global flags ask for it. */

import { ConfigurationError } from "../errors.ts";
import { wantsColors } from "../log/colors.ts";
import { FORMAT_CHOICE, LOG_FORMATS, type LogFormat } from "../log/format.ts";
import { LEVEL_CHOICE, parseLogLevel } from "../log/level.ts";
import type { LogLevel } from "../log/logger.ts";
import { createProcessLog, type ProcessLog } from "../log/process_log.ts";
import type { FlagValues } from "./flag.ts";
import type { Program } from "./program.ts";

/**
 * Opens the log on standard error. What flags or variables set wins over config.toml, so
 * `configure` leaves it alone. Throws ConfigurationError for an unknown level or format.
 */
export function openLog(flags: FlagValues, program: Program): ProcessLog {
  const level = flags.bool("debug") ? "debug" : levelNamed(flags.text("log-level"));
  const format = formatNamed(flags.text("log-format"));
  const log = createProcessLog({
    write: (line) => program.stderr.write(line),
    level: level ?? "info",
    format: format ?? "runner",
    colors: wantsColors(program.stderr, program.env),
  });
  return {
    ...log,
    configure: (settings) =>
      log.configure({
        ...settings,
        ...(level === undefined ? {} : { level }),
        ...(format === undefined ? {} : { format }),
      }),
  };
}

/** Takes the configuration's level and format into force; its schema has seen to their names. */
export function configureLog(
  log: ProcessLog,
  config: { readonly log_level: string; readonly log_format: string },
): void {
  const level = levelNamed(config.log_level);
  const format = formatNamed(config.log_format);
  log.configure({
    ...(level === undefined ? {} : { level }),
    ...(format === undefined ? {} : { format }),
  });
}

function levelNamed(name: string | undefined): LogLevel | undefined {
  if (name === undefined || name === "") return undefined;
  const level = parseLogLevel(name);
  if (level !== undefined) return level;
  throw new ConfigurationError(`Unknown log level "${name}": use ${LEVEL_CHOICE}`);
}

function formatNamed(name: string | undefined): LogFormat | undefined {
  if (name === undefined || name === "") return undefined;
  const format = LOG_FORMATS.find((known) => known === name);
  if (format !== undefined) return format;
  throw new ConfigurationError(`Unknown log format "${name}": use ${FORMAT_CHOICE}`);
}
