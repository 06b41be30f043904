/** Runs checks one after another, and tells of each. */

import { messageOf } from "../../errors.ts";
import { abortable, deadline } from "../../util/abort.ts";
import type { CheckBench } from "./bench.ts";
import type { CheckCase } from "./check_case.ts";
import { CheckFailure } from "./expect.ts";

export interface CheckOutcome {
  readonly name: string;
  readonly seconds: number;
  /** Why the check failed; undefined: it passed. */
  readonly failure: string | undefined;
}

/** A check that hangs says nothing about the others. */
const LIMIT_MS = 60_000;

/** Each check gets a bench of its own, so that what one breaks is whole again for the next. */
export async function* runChecks(
  cases: readonly CheckCase[],
  open: (one: CheckCase) => CheckBench & AsyncDisposable,
): AsyncGenerator<CheckOutcome> {
  for (const one of cases) {
    const started = performance.now();
    const failure = await runOne(one, open);
    yield { name: one.name, seconds: (performance.now() - started) / 1000, failure };
  }
}

async function runOne(
  one: CheckCase,
  open: (one: CheckCase) => CheckBench & AsyncDisposable,
): Promise<string | undefined> {
  using limit = deadline(
    LIMIT_MS,
    () => new CheckFailure(`it does not come to an end within ${LIMIT_MS / 1000} seconds`),
  );
  try {
    await using bench = open(one);
    await abortable(one.run(bench), limit.signal);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
