/** Runs a program that people use: it has the terminal of this process, and belongs to its session. */

import { messageOf, RunnerError } from "../errors.ts";
import type { ProcessCommand } from "./process.ts";
import { killTree } from "./process_tree.ts";

export type TerminalCommand =
  & Pick<ProcessCommand, "argv" | "cwd" | "env" | "mark">
  /** Open descriptor; it stays the caller's. */
  & { readonly stdin: number };

/**
 * Resolves when the program and all that it started are gone; when `signal` aborts they are killed.
 * How it ended says nothing: people leave a shell with whatever came last. Throws RunnerError when
 * it cannot be started.
 */
export async function runOnTerminal(
  { argv, cwd, env, mark, stdin }: TerminalCommand,
  { signal }: { signal: AbortSignal },
): Promise<void> {
  signal.throwIfAborted();
  const marked = { ...env, [mark.name]: mark.value };
  const aborted = Promise.withResolvers<void>();
  const abort = () => aborted.resolve();
  signal.addEventListener("abort", abort, { once: true });
  try {
    const child = spawn([...argv], { cwd, env: marked, stdin });
    await Promise.race([child.exited, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
    await killTree(`${mark.name}=${mark.value}`);
  }
}

function spawn(
  argv: string[],
  options: { readonly cwd: string; readonly env: Record<string, string>; readonly stdin: number },
): Bun.Subprocess {
  try {
    return Bun.spawn(argv, { ...options, stdout: "inherit", stderr: "inherit" });
  } catch (cause) {
    throw new RunnerError(`Cannot start "${argv[0]}": ${messageOf(cause)}`, { cause });
  }
}
