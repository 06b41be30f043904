/** A lock between processes that ends with its holder. */

import { closeSync, constants, fstatSync, openSync, rmSync, statSync, unlinkSync } from "node:fs";
import { codeOf } from "../errors.ts";
import { systemLibc } from "./libc.ts";

/** Held until it is disposed of, or until this process dies. */
export interface FileLock extends Disposable {
  readonly path: string;
}

/**
 * Takes the lock of the file at `path`, which is made when it is missing. Undefined: somebody else
 * holds it, in this process or in another. Where the platform or the file system has no such locks
 * it is always granted. The file stays, unless it is `passing`: for names that may not come again,
 * of which all users must say so. Throws the system's error when the file cannot be opened.
 */
export function tryLockFile(
  path: string,
  options: { passing?: boolean } = {},
): FileLock | undefined {
  const { passing = false } = options;
  const descriptor = openLocked(path);
  if (descriptor === undefined) return undefined;
  if (passing && !isAt(path, descriptor)) {
    // Its holder has just removed it: the next one begins with a file of its own.
    closeSync(descriptor);
    return tryLockFile(path, options);
  }
  let held = true;
  return {
    path,
    [Symbol.dispose]() {
      if (!held) return;
      held = false;
      // Before the lock is let go, so that nobody has one of a file that is about to vanish.
      if (passing) rmSync(path, { force: true });
      closeSync(descriptor);
    },
  };
}

function openLocked(path: string): number | undefined {
  const descriptor = openPlain(path);
  if (systemLibc()?.tryLock(descriptor) !== "held") return descriptor;
  closeSync(descriptor);
  return undefined;
}

/** No link is followed, and a pipe that nobody reads holds nobody up. */
const FLAGS = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0) |
  (constants.O_NONBLOCK ?? 0);

/** Where jobs can write, they can put something else in the place of the file: that goes. */
function openPlain(path: string): number {
  try {
    const descriptor = openSync(path, FLAGS, 0o600);
    if (fstatSync(descriptor).isFile()) return descriptor;
    closeSync(descriptor);
  } catch (error) {
    if (!["ELOOP", "ENXIO"].includes(codeOf(error) ?? "")) throw error;
  }
  unlinkSync(path);
  return openSync(path, FLAGS | constants.O_EXCL, 0o600);
}

function isAt(path: string, descriptor: number): boolean {
  const open = fstatSync(descriptor);
  const there = statSync(path, { throwIfNoEntry: false });
  return there !== undefined && there.dev === open.dev && there.ino === open.ino;
}
