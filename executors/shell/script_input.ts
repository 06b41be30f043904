/** Hands a script to a shell without leaving it on disk. */

import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf, SystemFailure } from "../../core/errors.ts";
import type { Account } from "../../core/util/passwd.ts";
import { unnamedFile } from "../../core/util/unnamed_file.ts";
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

function asStdin(script: string, stateDir: string): ScriptInput {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const file = unnamedFile(script, stateDir);
  return { stdin: file.descriptor, args: [], [Symbol.dispose]: () => file[Symbol.dispose]() };
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
