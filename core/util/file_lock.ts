/** A lock between processes that ends with its holder. */

import { closeSync, openSync } from "node:fs";
import { systemLibc } from "./libc.ts";

/** Held until it is disposed of, or until this process dies. */
export interface FileLock extends Disposable {
  readonly path: string;
}

/**
 * Takes the lock of the file at `path`, which is made when it is missing and never removed.
 * Undefined: somebody else holds it, in this process or in another. Where the platform or the file
 * system has no such locks it is always granted. Throws the system's error when the file cannot be
 * opened.
 */
export function tryLockFile(path: string): FileLock | undefined {
  const descriptor = openSync(path, "a", 0o600);
  if (systemLibc()?.tryLock(descriptor) === "held") {
    closeSync(descriptor);
    return undefined;
  }
  let held = true;
  return {
    path,
    [Symbol.dispose]() {
      if (held) closeSync(descriptor);
      held = false;
    },
  };
}
