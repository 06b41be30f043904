/** Build directories of failed jobs that `--keep` leaves for looking at, until the next run. */

import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { codeOf, messageOf, RunnerError } from "../errors.ts";

/**
 * Moves `directory` out of the way of later jobs, which would clean it and use it again. Undefined:
 * the job failed before it had one. Throws RunnerError.
 */
export function keepDirectory(
  directory: string,
  to: { readonly kept: string; readonly name: string },
): string | undefined {
  if (!existsSync(directory)) return undefined;
  const path = join(to.kept, to.name);
  try {
    mkdirSync(to.kept, { recursive: true, mode: 0o700 });
    renameSync(directory, path);
  } catch (cause) {
    throw new RunnerError(`Cannot keep "${directory}" as "${path}": ${messageOf(cause)}`, {
      cause,
    });
  }
  return path;
}

/** Removes what an earlier run has kept. Throws RunnerError. */
export function removeKept(kept: string): void {
  const remove = () => rmSync(kept, { recursive: true, force: true });
  try {
    remove();
  } catch (error) {
    if (codeOf(error) !== "EACCES") throw cannotRemove(kept, error);
    try {
      openDirectories(kept);
      remove();
    } catch (again) {
      throw cannotRemove(kept, again);
    }
  }
}

/** A job may have made directories that not even their owner may write to. Follows no link. */
function openDirectories(directory: string): void {
  chmodSync(directory, 0o700);
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) openDirectories(join(directory, entry.name));
  }
}

function cannotRemove(kept: string, cause: unknown): RunnerError {
  const message = `Cannot remove "${kept}", which an earlier run kept: ${messageOf(cause)}. ` +
    "Remove it by hand";
  return new RunnerError(message, { cause });
}
