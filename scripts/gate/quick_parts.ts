/** The quick gate: everything that needs no compiled executable and little time. */

import { runCheck, sourceChecks } from "./checks.ts";
import type { Part } from "./run_all.ts";
import { quickSuites, runTestSuite } from "./test_suite.ts";

/** The longest first. */
export async function quickParts(root: string): Promise<Part[]> {
  return [
    ...(await quickSuites(root)).map((suite) => () => runTestSuite(root, suite)),
    ...sourceChecks(root).map((check) => () => runCheck(root, check)),
  ];
}
