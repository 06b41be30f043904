/** What most executors do with a stage: hand its script to a program on this host. */

import { tmpdir } from "node:os";
import type {
  ExecutorIO,
  ExitStatus,
  StageCommand,
  Terminal,
  TerminalOptions,
} from "../executor.ts";
import { graceFor } from "../util/grace.ts";
import { runProcess } from "../util/process.ts";
import { runOnPty } from "../util/process_pty.ts";
import { openScript, type ScriptInput } from "../util/script_input.ts";

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
  using script = openScript(command, { directory: tmpdir() });
  return await runProcess({
    ...processOf(command, script, options),
    output: (bytes) => io.output.write(bytes),
  }, options);
}

/** As {@link runScript}, on a terminal: for an executor's `openTerminal`. */
export function runScriptOnTerminal(
  command: StageCommand,
  { output, size }: Omit<TerminalOptions, "signal">,
  options: RunScriptOptions,
): Terminal {
  const script = openScript(command, { directory: tmpdir() });
  try {
    const terminal = runOnPty({
      ...processOf(command, script, options),
      size,
      output: (bytes) => output.write(bytes),
    }, options);
    terminal.ended.catch(() => {}).finally(() => script[Symbol.dispose]());
    return terminal;
  } catch (error) {
    script[Symbol.dispose]();
    throw error;
  }
}

function processOf(
  { invocation }: StageCommand,
  script: ScriptInput,
  { wrapper = [], env, cwd, graceMs }: RunScriptOptions,
) {
  return {
    argv: [...wrapper, ...invocation.argv, ...script.args],
    cwd,
    env,
    mark: { name: MARK, value: crypto.randomUUID() },
    stdin: script.stdin,
    graceMs: (reason: unknown) => graceFor(reason, graceMs),
  };
}
