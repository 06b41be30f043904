/** Runs one program of the gate to its end. */

import { open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface CommandResult {
  readonly exitCode: number;
  readonly seconds: number;
  /** Both output streams, in the order they were written. */
  readonly output: string;
}

/** A program that is still running after this long is ended; the whole gate has less than 15 minutes. */
const LIMIT_MS = 600_000;

/** Both streams go to one file, which keeps their order and cannot block what the program left running. */
export async function runCommand(
  argv: readonly string[],
  options: { readonly cwd: string; readonly env: Readonly<Record<string, string | undefined>> },
): Promise<CommandResult> {
  const path = join(tmpdir(), `gate-${process.pid}-${crypto.randomUUID()}.log`);
  const file = await open(path, "w", 0o600);
  const started = performance.now();
  try {
    const child = Bun.spawn([...argv], {
      ...options,
      stdin: "ignore",
      stdout: file.fd,
      stderr: file.fd,
      timeout: LIMIT_MS,
      killSignal: "SIGKILL",
    });
    const exitCode = await child.exited;
    const seconds = (performance.now() - started) / 1000;
    const late = seconds * 1000 >= LIMIT_MS ? `\nEnded after ${LIMIT_MS / 1000} s\n` : "";
    return { exitCode, seconds, output: await readFile(path, "utf8") + late };
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
}

/**
 * The environment of a check: without what a surrounding CI job or git hook says about itself, which
 * the runner under test, and git below it, would take as meant for them.
 */
export function checkEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  const foreign = /^(?:CI_|GITLAB_|RUNNER_|REGISTER_|GIT_|BUN_|CONFIG_FILE$|NODE_OPTIONS$)/;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !foreign.test(name)));
}
