/** Runs operations of a script through a real shell. */

import { closeSync, openSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RenderOptions, ScriptOp, Shell } from "../../core/shell.ts";

export interface ShellUnderTest {
  readonly shell: Shell;
  readonly argv: readonly string[];
  readonly pipefail: boolean;
}

export interface ScriptRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export const PLAIN: RenderOptions = { debugTrace: false, checkExitCodes: false };

/** Renders `ops` and runs them with `directory` as home and working directory. */
export function runOps(
  under: ShellUnderTest,
  ops: readonly ScriptOp[],
  directory: string,
  options: Partial<RenderOptions> & { uid?: number; env?: Record<string, string> } = {},
): ScriptRun {
  const { uid, env, ...render } = options;
  const path = join(directory, `script-${crypto.randomUUID()}`);
  writeFileSync(path, under.shell.render(ops, { ...PLAIN, ...render }));
  const stdin = openSync(path, "r");
  try {
    const done = Bun.spawnSync([...under.argv], {
      cwd: directory,
      env: { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: directory, ...env },
      stdin,
      stdout: "pipe",
      stderr: "pipe",
      ...(uid === undefined ? {} : { uid, gid: uid }),
    });
    return {
      code: done.exitCode,
      stdout: done.stdout.toString(),
      stderr: done.stderr.toString(),
    };
  } finally {
    closeSync(stdin);
    rmSync(path);
  }
}
