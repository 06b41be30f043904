/** Hands a script to a shell without leaving it on disk. */

import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf, SystemFailure } from "../errors.ts";
import type { Account } from "./passwd.ts";
import { unnamedFile } from "./unnamed_file.ts";

/** A stage's script, and how its shell takes it. */
export interface StageScript {
  readonly stage: string;
  readonly script: string;
  readonly invocation: {
    readonly script: { readonly kind: "stdin" } | {
      readonly kind: "file";
      readonly extension: string;
    };
  };
}

export interface ScriptInput extends Disposable {
  /** The script as a descriptor for the shell's standard input. */
  readonly stdin: number | undefined;
  /** The script as a path behind the shell's arguments. */
  readonly args: readonly string[];
}

/**
 * `directory` takes what is given as standard input, under no name; it is made, 0700, when missing.
 * Throws SystemFailure when the script cannot be written.
 */
export function openScript(
  command: StageScript,
  options: { directory: string; owner?: Account | undefined },
): ScriptInput {
  const { script, invocation } = command;
  try {
    return invocation.script.kind === "stdin"
      ? asStdin(script, options.directory)
      : asFile(script, invocation.script.extension, options.owner);
  } catch (cause) {
    throw new SystemFailure(`Cannot write the script of ${command.stage}: ${messageOf(cause)}`, {
      cause,
    });
  }
}

function asStdin(script: string, directory: string): ScriptInput {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = unnamedFile(script, directory);
  return { stdin: file.descriptor, args: [], [Symbol.dispose]: () => file[Symbol.dispose]() };
}

/** For shells that want a path. The state directory would be closed to the job's user. */
function asFile(script: string, extension: string, owner: Account | undefined): ScriptInput {
  const directory = mkdtempSync(join(tmpdir(), "runner-script-"));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  const path = join(directory, `script.${extension}`);
  try {
    writeFileSync(path, script, { mode: 0o600, flag: "wx" });
    if (owner !== undefined) {
      for (const each of [path, directory]) chownSync(each, owner.uid, owner.gid);
    }
  } catch (error) {
    remove();
    throw error;
  }
  return { stdin: undefined, args: [path], [Symbol.dispose]: remove };
}
