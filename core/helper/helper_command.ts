/** Contract of a helper command, and how one is run from its command line. */

import { messageOf } from "../errors.ts";
import type { Logger } from "../log/logger.ts";
import { createProcessLog } from "../log/process_log.ts";
import { logRuntimePlatform } from "../log/runtime_platform.ts";
import { type HelperFlag, helperHelp, type HelperValues, parseHelperArguments } from "./flags.ts";

/** The world of one helper command. */
export interface HelperIO {
  /** The project directory, as a rule. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: { write(text: string): unknown };
  /** Takes the log, which the job's trace shows. */
  readonly stderr: { write(text: string): unknown };
  /** Job traces show colours, so scripts always ask for them. */
  readonly color: boolean;
  /** Aborts when the process is asked to end. */
  readonly signal: AbortSignal;
}

export interface HelperContext extends HelperIO {
  readonly logger: Logger;
}

/** One command that job scripts call. */
export interface HelperCommand {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly HelperFlag[];
  /** Its output is for programs: no start-up line. */
  readonly quiet?: true;
  /** Resolves with the exit code; what it throws is logged as one line and ends in exit code 1. */
  run(values: HelperValues, context: HelperContext): Promise<number>;
}

/** Parses `argv` (without the command's name) and runs the command. Resolves with the exit code. */
export async function runHelper(
  command: HelperCommand,
  argv: readonly string[],
  io: HelperIO,
): Promise<number> {
  const { logger } = createProcessLog({
    level: "info",
    format: "runner",
    colors: io.color,
    write: (line) => io.stderr.write(line),
  });
  try {
    const parsed = parseHelperArguments(command.flags, argv, io.env);
    if (parsed.kind === "help") {
      io.stdout.write(helperHelp(command, command.flags));
      return 0;
    }
    if (command.quiet !== true) logRuntimePlatform(logger);
    return await command.run(parsed.values, { ...io, logger });
  } catch (error) {
    logger.fatal(messageOf(error));
    return 1;
  }
}
