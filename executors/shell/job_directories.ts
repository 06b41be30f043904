/** The directories a job works in: made, owned by its user, and leased so that no two jobs meet. */

import { createHash } from "node:crypto";
import { accessSync, constants, lchownSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { messageOf, SystemFailure } from "../../core/errors.ts";
import { delay } from "../../core/util/abort.ts";
import { type FileLock, tryLockFile } from "../../core/util/file_lock.ts";
import type { Account } from "../../core/util/passwd.ts";

/** More jobs of one project than this never run at once on one host. */
const MOST_SLOTS = 10_000;

export interface SlotLease extends Disposable {
  readonly slot: number;
  /** File whose lock this is. */
  readonly path: string;
}

/** Makes `path` when it is missing. Throws SystemFailure that calls it `what`. */
export function makeDirectory(what: string, path: string, owner: Account | undefined): void {
  try {
    const first = mkdirSync(path, { recursive: true });
    if (owner !== undefined) giveAway(path, first, owner);
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new SystemFailure(`Cannot use ${what} "${path}": ${messageOf(cause)}`, { cause });
  }
}

/** Directories that were there before keep their owner. A link put in their place is not followed. */
function giveAway(path: string, first: string | undefined, owner: Account): void {
  if (first === undefined) return;
  for (let each = path; each.length >= first.length; each = dirname(each)) {
    lchownSync(each, owner.uid, owner.gid);
  }
}

/**
 * Leases the checkout of one project below `root` (`<builds_dir>/<short token>`), beginning with
 * slot `first`. The lock lies in the slot's directory, so that managers with different state
 * directories see each other.
 */
export function leaseSlot(
  root: string,
  options: { projectId: number; first: number; owner: Account | undefined },
): SlotLease {
  for (let slot = options.first; slot < options.first + MOST_SLOTS; slot++) {
    const directory = join(root, String(slot));
    makeDirectory("builds_dir", directory, options.owner);
    const lock = lockProject(directory, options.projectId);
    if (lock === undefined) continue;
    return { slot, path: lock.path, [Symbol.dispose]: () => lock[Symbol.dispose]() };
  }
  throw new SystemFailure(`Cannot find a free slot for project ${options.projectId} in "${root}"`);
}

/** Another manager's locks tell nobody when they are free. */
const LOOK_AGAIN_MS = 250;

/**
 * Locks a checkout that a job has placed at `checkout` below `buildsDir`, against jobs of other
 * managers; `onWait` is called when one has it.
 */
export async function lockCheckout(
  buildsDir: string,
  checkout: string,
  options: { onWait: () => void; signal: AbortSignal },
): Promise<FileLock> {
  const digest = createHash("sha256").update(checkout).digest("hex").slice(0, 16);
  const path = join(buildsDir, `.lease-${digest}`);
  for (let tries = 0;; tries++) {
    const lock = lockFile(path, { passing: true });
    if (lock !== undefined) return lock;
    if (tries === 0) options.onWait();
    await delay(LOOK_AGAIN_MS, { signal: options.signal });
  }
}

/** No group's folder can have this name: GitLab lets none begin with a dot. */
function lockProject(directory: string, projectId: number): FileLock | undefined {
  return lockFile(join(directory, `.lease-${projectId}`));
}

function lockFile(path: string, options?: { passing: boolean }): FileLock | undefined {
  try {
    return tryLockFile(path, options);
  } catch (cause) {
    throw new SystemFailure(`Cannot lock "${path}": ${messageOf(cause)}`, { cause });
  }
}
