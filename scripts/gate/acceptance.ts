/** The independent black-box suite beside this repository, when it is there. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkEnvironment, runCommand } from "./command.ts";
import { type Case, failedSuite, skippedSuite, type SuiteOutcome } from "./outcome.ts";

const GROUPS = "shell";

interface Scenario {
  readonly name: string;
  readonly ok: boolean;
  readonly error: string | null;
}

/** Its scenarios as cases; skipped where the suite is not there. */
export async function runAcceptance(root: string): Promise<SuiteOutcome> {
  const program = join(root, "../shared/acceptance/cli.mjs");
  if (!await Bun.file(program).exists()) {
    return skippedSuite("acceptance", "there is no ../shared/acceptance");
  }
  const scratch = await mkdtemp(join(tmpdir(), "gate-"));
  try {
    const report = join(scratch, "acceptance.json");
    const { seconds, output, exitCode } = await runCommand(
      ["node", program, "--bin", "dist/runner", "--groups", GROUPS, "--json", report],
      { cwd: root, env: checkEnvironment(process.env) },
    );
    const text = await readFile(report, "utf8").catch(() => "[]");
    const cases = (JSON.parse(text) as Scenario[]).map(({ name, ok, error }): Case => ({
      name,
      kind: ok ? "passed" : "failed",
      ...(error === null ? {} : { detail: error }),
    }));
    if (cases.length === 0) {
      return {
        ...failedSuite("acceptance", `no scenario was reported, exit code ${exitCode}`),
        seconds,
        output,
      };
    }
    return { suite: "acceptance", cases, seconds, output };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
