/** What most executors do with a stage: hand its script to a program on this host. */

import { tmpdir } from "node:os";
import type { ExecutorIO, ExitStatus, StageCommand } from "../executor.ts";
import { graceFor } from "../util/grace.ts";
import { runProcess } from "../util/process.ts";
import { openScript } from "../util/script_input.ts";

export interface RunScriptOptions {
  /** Started with the shell behind it: `["unshare", "--pid", …]`. */
  readonly wrapper?: readonly string[];
  /** The complete environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** How long processes may take to end after SIGTERM. Milliseconds. */
  readonly graceMs: number;
  readonly signal: AbortSignal;
}

const MARK = "RUNNER_JOB_MARK";

/**
 * Runs the script to its end, and everything it started with it; both outputs go to `io`, in order.
 * The script is in no argument and, where the shell takes it on its standard input, under no name.
 */
export async function runScript(
  command: StageCommand,
  io: ExecutorIO,
  options: RunScriptOptions,
): Promise<ExitStatus> {
  const { wrapper = [], env, cwd, graceMs, signal } = options;
  using script = openScript(command, { directory: tmpdir() });
  return await runProcess({
    argv: [...wrapper, ...command.invocation.argv, ...script.args],
    cwd,
    env,
    mark: { name: MARK, value: crypto.randomUUID() },
    stdin: script.stdin,
    output: (bytes) => io.output.write(bytes),
    graceMs: (reason) => graceFor(reason, graceMs),
  }, { signal });
}
