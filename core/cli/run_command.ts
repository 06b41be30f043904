/** Runs one command: its arguments, its log, its errors. */

import { messageOf } from "../errors.ts";
import { logRuntimePlatform } from "../log/runtime_platform.ts";
import type { Command, CommandEntry } from "./command.ts";
import { type Flag, FlagValues } from "./flag.ts";
import { GLOBAL_FLAGS } from "./global_flags.ts";
import { normalizeArguments, type NormalizedArguments } from "./normalize.ts";
import { openLog } from "./open_log.ts";
import { plainArguments } from "./plain_arguments.ts";
import type { Program } from "./program.ts";

/** Resolves with the exit code. Errors are logged as one line, with their stack only at debug. */
export async function runCommand(
  entry: CommandEntry,
  command: Command,
  options: NormalizedArguments & { readonly program: Program },
): Promise<number> {
  const { program } = options;
  const flags = [...command.flags, ...GLOBAL_FLAGS];
  const { args, suspicious } = normalizeArguments(options.args, flags);
  const parsed = plainArguments(command, flags, args) ??
    (await import("./parse_command.ts")).parseCommand(entry, command, { args, flags, program });
  if (parsed.kind === "exit") return parsed.code === 0 ? 0 : command.usageCode ?? parsed.code;

  const values = new FlagValues(
    new Map([...environmentValues(flags, program.env), ...parsed.values]),
  );
  const log = attempt(() => openLog(values, program));
  if (log instanceof Error) {
    program.stderr.write(`${program.calledAs}: ${log.message}\n`);
    return 1;
  }
  const { logger } = log;
  if (command.quiet !== true) logRuntimePlatform(logger);
  for (const words of [...options.suspicious, ...suspicious]) {
    logger.warning(`A boolean flag takes its value behind "=": "${words}" is taken as true`);
  }
  try {
    return await command.run(values, { program, log, logger }, parsed.operands);
  } catch (error) {
    logger.fatal(messageOf(error));
    if (error instanceof Error && error.stack) logger.debug(error.stack);
    return 1;
  }
}

/** Values of the variables that flags may be set by; an empty variable counts as unset. */
function environmentValues(
  flags: readonly Flag[],
  env: Program["env"],
): (readonly [string, readonly string[]])[] {
  return flags.flatMap((flag) => {
    const value = flag.env === undefined ? undefined : env[flag.env];
    return value ? [[flag.names[0], [value]] as const] : [];
  });
}

function attempt<T>(make: () => T): T | Error {
  try {
    return make();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
