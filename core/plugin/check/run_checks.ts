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
  /** The last lines that the plugin has logged before a failure. */
  readonly log: readonly string[];
}

/** A check that hangs says nothing about the others. */
const LIMIT_MS = 60_000;

/** A bench, and what was logged on it. */
export type LoggedBench = CheckBench & AsyncDisposable & { readonly logged: readonly string[] };

/** So many lines hold a stack trace. */
const SHOWN_LINES = 15;

/** Each check gets a bench of its own, so that what one breaks is whole again for the next. */
export async function* runChecks(
  cases: readonly CheckCase[],
  open: () => LoggedBench,
): AsyncGenerator<CheckOutcome> {
  for (const one of cases) {
    const bench = open();
    const started = performance.now();
    const failure = await runOne(one, bench);
    const seconds = (performance.now() - started) / 1000;
    const log = failure === undefined ? [] : bench.logged.slice(-SHOWN_LINES);
    yield { name: one.name, seconds, failure, log };
  }
}

async function runOne(one: CheckCase, opened: LoggedBench): Promise<string | undefined> {
  using limit = deadline(
    LIMIT_MS,
    () => new CheckFailure(`it does not come to an end within ${LIMIT_MS / 1000} seconds`),
  );
  try {
    await using bench = opened;
    await abortable(one.run(bench), limit.signal);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
