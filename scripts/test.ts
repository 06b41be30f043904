/** `sh scripts/test.sh`: the whole gate, against the compiled executable. */

import { join } from "node:path";
import { runAcceptance } from "./gate/acceptance.ts";
import { runCheck } from "./gate/checks.ts";
import { gateEngine } from "./gate/docker_engine.ts";
import { count, describeOutcome, listCases, type SuiteOutcome } from "./gate/outcome.ts";
import { quickParts } from "./gate/quick_parts.ts";
import { type Part, runAll } from "./gate/run_all.ts";
import { runTestSuite, slowSuites } from "./gate/test_suite.ts";

const ROOT = join(import.meta.dirname, "..");

process.exit(await main());

async function main(): Promise<number> {
  await using engine = await gateEngine();
  const outcomes = [
    ...await runAll([async () => engine.outcome, ...await parts()], 1),
    ...await runAll(acceptance(), 2),
  ];
  summarise(outcomes);
  return count(outcomes, "failed") === 0 ? 0 : 1;
}

/** One after another: the later parts measure time and load the machine themselves. */
async function parts(): Promise<Part[]> {
  const script = (name: string): Part => () =>
    runCheck(ROOT, { name, argv: [process.execPath, `scripts/${name}.ts`] });
  return [
    script("build"),
    script("quickstart"),
    ...await quickParts(ROOT),
    ...(await slowSuites(ROOT)).map((suite) => () => runTestSuite(ROOT, suite)),
  ];
}

/** Two at a time: they wait most of theirs. */
function acceptance(): Part[] {
  return (["docker", "shell", "custom"] as const).map((group) => () => runAcceptance(ROOT, group));
}

/** The numbers come last, in the one line that continuous integration reads. */
function summarise(outcomes: readonly SuiteOutcome[]): void {
  const [passed, failed, skipped] = (["passed", "failed", "skipped"] as const).map((kind) =>
    count(outcomes, kind)
  );
  process.stdout.write(`\n${outcomes.map(describeOutcome).join("\n")}\n\n`);
  process.stdout.write(listCases(outcomes, "skipped"));
  process.stdout.write(listCases(outcomes, "failed"));
  process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
}
