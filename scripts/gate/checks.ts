/** The checks that read the sources and run nothing of them. */

import { join } from "node:path";
import { checkEnvironment, runCommand } from "./command.ts";
import type { SuiteOutcome } from "./outcome.ts";

export interface Check {
  readonly name: string;
  readonly argv: readonly string[];
}

export function sourceChecks(root: string): readonly Check[] {
  const tool = (name: string): string => join(root, "node_modules/.bin", name);
  return [
    { name: "types", argv: [tool("tsc"), "--project", "."] },
    { name: "lint", argv: [tool("deno"), "lint", "--quiet"] },
    { name: "format", argv: [tool("deno"), "fmt", "--check"] },
    { name: "imports", argv: [process.execPath, "scripts/check_imports.ts"] },
  ];
}

/** A check is one case: it holds or it does not. */
export async function runCheck(root: string, check: Check): Promise<SuiteOutcome> {
  const { exitCode, seconds, output } = await runCommand(check.argv, {
    cwd: root,
    env: { ...checkEnvironment(process.env), NO_COLOR: "1" },
  });
  const kind = exitCode === 0 ? "passed" : "failed";
  return { suite: check.name, cases: [{ name: check.name, kind }], seconds, output };
}
