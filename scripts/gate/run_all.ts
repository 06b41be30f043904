/** Runs parts of the gate, telling of each as it ends. */

import { count, describeOutcome, type SuiteOutcome } from "./outcome.ts";

export type Part = () => Promise<SuiteOutcome>;

/** In the given order, at most `atOnce` at a time; a failing part's whole output is shown. */
export async function runAll(parts: readonly Part[], atOnce: number): Promise<SuiteOutcome[]> {
  const outcomes: SuiteOutcome[] = [];
  const pending = parts.values();
  const lane = async (): Promise<void> => {
    for (const part of pending) {
      const outcome = await part();
      outcomes.push(outcome);
      report(outcome);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return outcomes;
}

function report(outcome: SuiteOutcome): void {
  process.stdout.write(`${describeOutcome(outcome)}\n`);
  if (count([outcome], "failed") > 0) process.stdout.write(`${outcome.output.trimEnd()}\n`);
}
