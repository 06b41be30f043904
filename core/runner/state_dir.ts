/** Where a manager keeps what has to survive it: beside its config.toml, one directory a process. */

import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, readdirSync, renameSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { codeOf, messageOf, SystemFailure } from "../errors.ts";
import { type FileLock, tryLockFile } from "../util/file_lock.ts";

/** Held while the manager runs; another process that finds it free takes over what is in it. */
export interface StateDir extends Disposable {
  readonly path: string;
  /** Why what is kept here may not survive a restart of the host. */
  readonly warning: string | undefined;
}

/** More managers than this on one config.toml is a mistake. */
const MOST_MANAGERS = 64;

const NOT_WRITABLE = ["EROFS", "EACCES", "EPERM"];

/**
 * Takes the first state directory of this config.toml that no living process holds, and moves into
 * it the jobs of all others that nobody holds. A config.toml in a directory that cannot be written
 * (a mounted one, in containers) has its state in the temporary directory. Throws SystemFailure when
 * none can be had.
 */
export function openStateDir(configPath: string, temporary: string = tmpdir()): StateDir {
  const root = join(dirname(configPath), ".runner_state", basename(configPath));
  try {
    return openBelow(root, configPath);
  } catch (error) {
    if (!NOT_WRITABLE.includes(codeOf(error) ?? "")) throw error;
  }
  const digest = createHash("sha256").update(configPath).digest("hex").slice(0, 16);
  const fallback = join(temporary, `runner-state-${process.getuid?.() ?? "user"}-${digest}`);
  assertOurs(fallback);
  const warning = `"${dirname(configPath)}" cannot be written: unfinished jobs are kept in ` +
    `"${fallback}", which a restart of this host may empty`;
  return { ...openBelow(fallback, configPath), warning };
}

function openBelow(root: string, configPath: string): StateDir {
  const held: { path: string; lock: FileLock }[] = [];
  try {
    for (let number = 0; number < MOST_MANAGERS; number++) {
      const path = join(root, String(number));
      if (held.length > 0 && !exists(path)) break;
      mkdirSync(join(path, "jobs"), { recursive: true, mode: 0o700 });
      const lock = tryLockFile(join(path, "lock"));
      if (lock !== undefined) held.push({ path, lock });
    }
  } catch (cause) {
    for (const { lock } of held) lock[Symbol.dispose]();
    throw new SystemFailure(`Cannot use "${root}" to keep jobs in: ${messageOf(cause)}`, { cause });
  }
  const [own, ...orphans] = held;
  if (own === undefined) {
    throw new SystemFailure(`Cannot run: ${MOST_MANAGERS} managers use "${configPath}" already`);
  }
  for (const { path, lock } of orphans) {
    adopt(join(path, "jobs"), join(own.path, "jobs"));
    lock[Symbol.dispose]();
  }
  const { path, lock } = own;
  return { path, warning: undefined, [Symbol.dispose]: () => lock[Symbol.dispose]() };
}

/** The temporary directory is everybody's: what lies there already may be a trap. */
function assertOurs(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const found = lstatSync(path);
  const mine = process.getuid === undefined || found.uid === process.getuid();
  if (found.isDirectory() && mine && (found.mode & 0o077) === 0) return;
  throw new SystemFailure(`Cannot use "${path}" to keep jobs in: others have access to it`);
}

function adopt(from: string, to: string): void {
  for (const name of readdirSync(from)) renameSync(join(from, name), join(to, name));
}

function exists(path: string): boolean {
  try {
    readdirSync(path);
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
}
