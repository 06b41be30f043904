/** The independent black-box suite beside this repository, when it is there. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answers } from "../../tests/executors/docker/dockerd.ts";
import { checkEnvironment, runCommand } from "./command.ts";
import { MACHINE_ENGINE } from "./docker_engine.ts";
import { type Case, failedSuite, skippedSuite, type SuiteOutcome } from "./outcome.ts";

/** Groups of its scenarios, by the executor they run with. */
export type AcceptanceGroup = "shell" | "docker" | "custom";

interface Scenario {
  readonly name: string;
  readonly ok: boolean;
  readonly error: string | null;
}

/** Its scenarios as cases; skipped where the suite, or what it needs, is not there. */
export async function runAcceptance(root: string, group: AcceptanceGroup): Promise<SuiteOutcome> {
  const suite = `acceptance-${group}`;
  const folder = join(root, "../shared/acceptance");
  const program = join(folder, "cli.mjs");
  if (!await Bun.file(program).exists()) {
    return skippedSuite(suite, "there is no ../shared/acceptance");
  }
  if (group === "docker") {
    if (!await answers(MACHINE_ENGINE)) return skippedSuite(suite, "no Docker Engine runs");
    const image = await runCommand(["sh", join(folder, "images/job.sh")], {
      cwd: root,
      env: checkEnvironment(process.env),
    });
    if (image.exitCode !== 0) {
      return { ...failedSuite(suite, "its image cannot be made"), output: image.output };
    }
  }
  const scratch = await mkdtemp(join(tmpdir(), "gate-"));
  try {
    const report = join(scratch, "acceptance.json");
    const { seconds, output, exitCode } = await runCommand(
      ["node", program, "--bin", "dist/runner", "--groups", group, "--json", report],
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
        ...failedSuite(suite, `no scenario was reported, exit code ${exitCode}`),
        seconds,
        output,
      };
    }
    return { suite, cases, seconds, output };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
