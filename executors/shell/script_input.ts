/** Hands a script to a shell without leaving it on disk. */

import {
  chownSync,
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf, SystemFailure } from "../../core/errors.ts";
import type { Account } from "../../core/util/passwd.ts";
import type { StageCommand } from "../../core/executor.ts";

export interface ScriptInput extends Disposable {
  /** The script as a descriptor for the shell's standard input. */
  readonly stdin: number | undefined;
  /** The script as a path behind the shell's arguments. */
  readonly args: readonly string[];
}

/** Throws SystemFailure when the script cannot be written. */
export function openScript(
  command: StageCommand,
  options: { stateDir: string; owner: Account | undefined },
): ScriptInput {
  const { script, invocation } = command;
  try {
    return invocation.script.kind === "stdin"
      ? asStdin(script, options.stateDir)
      : asFile(script, invocation.script.extension, options.owner);
  } catch (cause) {
    throw new SystemFailure(`Cannot write the script of ${command.stage}: ${messageOf(cause)}`, {
      cause,
    });
  }
}

/**
 * A file without a name from before it has content: wherever the manager dies, nothing of the
 * script's secrets stays. Not a pipe, which a shell reads byte by byte.
 */
function asStdin(script: string, stateDir: string): ScriptInput {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const file = openTwice(stateDir);
  try {
    writeFileSync(file.write, script);
  } catch (error) {
    closeSync(file.read);
    throw error;
  } finally {
    closeSync(file.write);
  }
  return { stdin: file.read, args: [], [Symbol.dispose]: () => closeSync(file.read) };
}

/** Of Linux: a new file in the directory that is given, under no name. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;

/** For writing by us and for reading by the shell, which gets a position of its own. */
function openTwice(directory: string): { readonly read: number; readonly write: number } {
  const unnamed = process.platform === "linux" ? openUnnamed(directory) : undefined;
  const path = unnamed === undefined
    ? join(directory, `script-${crypto.randomUUID()}`)
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

/** For shells that want a path. The state directory would be closed to the job's user. */
function asFile(script: string, extension: string, owner: Account | undefined): ScriptInput {
  const directory = mkdtempSync(join(tmpdir(), "runner-script-"));
  const path = join(directory, `script.${extension}`);
  writeFileSync(path, script, { mode: 0o600, flag: "wx" });
  if (owner !== undefined) {
    for (const each of [path, directory]) chownSync(each, owner.uid, owner.gid);
  }
  return {
    stdin: undefined,
    args: [path],
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}
