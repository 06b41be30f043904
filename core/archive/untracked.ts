/** Lists the files of a project that git does not track, ignored ones included. */

import { RunnerError } from "../errors.ts";

/** The job wrote the repository's configuration: nothing in it may start a program. */
const SAFE_CONFIG = ["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"];

/** Paths relative to `directory`. Throws when git cannot say. */
export async function listUntracked(
  directory: string,
  env: Readonly<Record<string, string | undefined>>,
  options: { signal: AbortSignal },
): Promise<readonly string[]> {
  const git = Bun.spawn(["git", ...SAFE_CONFIG, "ls-files", "-o", "-z"], {
    cwd: directory,
    env: { ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    signal: options.signal,
  });
  const [output, problem, code] = await Promise.all([
    git.stdout.text(),
    git.stderr.text(),
    git.exited,
  ]);
  options.signal.throwIfAborted();
  if (code !== 0) {
    throw new RunnerError(`git ls-files failed with exit code ${code}: ${problem.trim()}`);
  }
  return output.split("\0").filter((path) => path !== "");
}
