/** Starts a command that job scripts call. */

import { type HelperCommand, runHelper } from "../helper/helper_command.ts";
import { interruptSignal } from "./interrupt.ts";
import type { Program } from "./program.ts";

/** Resolves with the exit code. Its log is part of a job's trace, which shows colours. */
export async function runHelperCommand(
  command: HelperCommand,
  argv: readonly string[],
  program: Program,
): Promise<number> {
  using interrupt = interruptSignal(program);
  const { cwd, env, stdout, stderr } = program;
  return await runHelper(command, argv, {
    cwd,
    env,
    stdout,
    stderr,
    color: true,
    signal: interrupt.signal,
  });
}
