/** What a suite found, and how it is said. */

export interface Case {
  readonly name: string;
  readonly kind: "passed" | "failed" | "skipped";
  /** Why it failed or was skipped, when that is known. */
  readonly detail?: string;
}

export interface SuiteOutcome {
  readonly suite: string;
  readonly cases: readonly Case[];
  readonly seconds: number;
  /** Everything the suite printed; shown when it failed. */
  readonly output: string;
}

/** A suite that there was no reason or no means to run. */
export function skippedSuite(suite: string, detail: string): SuiteOutcome {
  return { suite, cases: [{ name: suite, kind: "skipped", detail }], seconds: 0, output: "" };
}

/** A suite that could not be run. */
export function failedSuite(suite: string, detail: string): SuiteOutcome {
  return {
    suite,
    cases: [{ name: suite, kind: "failed", detail }],
    seconds: 0,
    output: `${suite}: ${detail}\n`,
  };
}

export function count(outcomes: readonly SuiteOutcome[], kind: Case["kind"]): number {
  return outcomes.flatMap(({ cases }) => cases).filter((one) => one.kind === kind).length;
}

/** One line of the table: name, verdict, time and, for more than a single check, the numbers. */
export function describeOutcome(outcome: SuiteOutcome): string {
  const failed = count([outcome], "failed");
  const skipped = count([outcome], "skipped");
  const numbers = outcome.cases.length === 1 ? "" : [
    `${count([outcome], "passed")} passed`,
    ...(failed === 0 ? [] : [`${failed} failed`]),
    ...(skipped === 0 ? [] : [`${skipped} skipped`]),
  ].join(", ");
  const verdict = failed > 0 ? "FAILED" : skipped === outcome.cases.length ? "skipped" : "ok";
  return `${outcome.suite.padEnd(17)} ${verdict.padEnd(7)} ${
    outcome.seconds.toFixed(1).padStart(6)
  } s  ${numbers}`
    .trimEnd();
}

/** The names, with their reasons, of all cases of one kind. */
export function listCases(outcomes: readonly SuiteOutcome[], kind: Case["kind"]): string {
  return outcomes.flatMap(({ suite, cases }) =>
    cases.filter((one) => one.kind === kind).map(({ name, detail }) =>
      `${kind.toUpperCase()}  ${suite}: ${name}${
        detail === undefined ? "" : ` (${detail.split("\n")[0]})`
      }\n`
    )
  ).join("");
}
