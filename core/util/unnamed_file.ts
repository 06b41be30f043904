/** Hands a text to a child process as a descriptor, without leaving it on disk. */

import { closeSync, constants, openSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface UnnamedFile extends Disposable {
  /** For reading, from the beginning. */
  readonly descriptor: number;
}

/**
 * A file in `directory` without a name from before it has content: wherever this process dies, nothing
 * of its secrets stays. Not a pipe, which a shell reads byte by byte. Throws the system's error.
 */
export function unnamedFile(text: string, directory: string): UnnamedFile {
  const file = openTwice(directory);
  try {
    writeFileSync(file.write, text);
  } catch (error) {
    closeSync(file.read);
    throw error;
  } finally {
    closeSync(file.write);
  }
  return { descriptor: file.read, [Symbol.dispose]: () => closeSync(file.read) };
}

/** Of Linux: a new file in the directory that is given, under no name. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;

/** For writing by us and for reading by the child, which gets a position of its own. */
function openTwice(directory: string): { readonly read: number; readonly write: number } {
  const unnamed = process.platform === "linux" ? openUnnamed(directory) : undefined;
  const path = unnamed === undefined
    ? join(directory, `input-${crypto.randomUUID()}`)
    : `/proc/self/fd/${unnamed}`;
  const write = unnamed ?? openSync(path, "wx", 0o600);
  try {
    return { read: openSync(path, "r"), write };
  } catch (error) {
    closeSync(write);
    throw error;
  } finally {
    if (unnamed === undefined) unlinkSync(path);
  }
}

/** Undefined on the few file systems where every new file has a name. */
function openUnnamed(directory: string): number | undefined {
  try {
    return openSync(directory, O_TMPFILE | constants.O_WRONLY, 0o600);
  } catch {
    return undefined;
  }
}
