/** Takes away a job's temporary directory: its file variables, and what its commands left there. */

import { rm } from "node:fs/promises";
import { codeOf, RunnerError } from "../../core/errors.ts";
import { tryLockFile } from "../../core/util/file_lock.ts";
import { runProcess } from "../../core/util/process.ts";
import { MARK_VARIABLE } from "./environment.ts";
import type { JobUser } from "./job_user.ts";

export interface LeftTempDir {
  /** Lock of the job's slot, or of the checkout that it had placed elsewhere. */
  readonly lease: string;
  /** The lock's file goes with its holder. */
  readonly passing: boolean;
  readonly tempDir: string;
  readonly user: JobUser | undefined;
}

/**
 * Removes what a crashed manager's job left, unless a job of another manager has taken over the
 * place: then it is that job's.
 */
export async function removeTempDir(
  left: LeftTempDir,
  options: { signal: AbortSignal },
): Promise<void> {
  using lock = lockOf(left);
  if (lock === undefined) return;
  await removeDirectory(left.tempDir, { user: left.user, signal: options.signal });
}

/** Removes as the job's user, who could have led the path to where only others may go. */
export async function removeDirectory(
  path: string,
  options: { user: JobUser | undefined; signal: AbortSignal },
): Promise<void> {
  const { user, signal } = options;
  if (user === undefined) {
    await rm(path, { recursive: true, force: true });
    return;
  }
  const exit = await runProcess({
    argv: [...user.prefix, "rm", "-rf", "--", path],
    cwd: "/",
    env: { PATH: "/usr/local/bin:/usr/bin:/bin" },
    mark: { name: MARK_VARIABLE, value: crypto.randomUUID() },
    output: () => undefined,
    user: user.ids,
    graceMs: () => 0,
  }, { signal });
  if (exit.kind !== "exited" || exit.code !== 0) {
    throw new RunnerError(`rm as "${user.account.name}" did not succeed`);
  }
}

/** Undefined: somebody holds it, or the slot is gone. */
function lockOf({ lease, passing }: LeftTempDir): ReturnType<typeof tryLockFile> {
  try {
    return tryLockFile(lease, { passing });
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
