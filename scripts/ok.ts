/** `bun run ok`: the quick gate while working, under a minute. */

import { join } from "node:path";
import { count, listCases } from "./gate/outcome.ts";
import { quickParts } from "./gate/quick_parts.ts";
import { runAll } from "./gate/run_all.ts";

const ROOT = join(import.meta.dirname, "..");

/** The checks run beside the tests: most of a test's time is waiting. */
const outcomes = await runAll(await quickParts(ROOT), 2);
process.stdout.write(listCases(outcomes, "skipped"));
process.stdout.write(listCases(outcomes, "failed"));
process.exit(count(outcomes, "failed") === 0 ? 0 : 1);
