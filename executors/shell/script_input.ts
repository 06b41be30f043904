/** Hands a script to a shell without leaving it on disk. */

import {
  chownSync,
  closeSync,
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
 * A file that has lost its name before the shell starts: after a crash nothing of its secrets stays.
 * Not a pipe, which a shell reads byte by byte.
 */
function asStdin(script: string, stateDir: string): ScriptInput {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const path = join(stateDir, `script-${crypto.randomUUID()}`);
  writeFileSync(path, script, { mode: 0o600, flag: "wx" });
  try {
    const stdin = openSync(path, "r");
    return { stdin, args: [], [Symbol.dispose]: () => closeSync(stdin) };
  } finally {
    unlinkSync(path);
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
