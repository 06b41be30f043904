/** Counts of a JUnit report, as the summary of a pipeline shows them. */

export interface JunitCounts {
  readonly tests: number;
  readonly failures: number;
  readonly errors: number;
  readonly skipped: number;
}

export const NO_TESTS: JunitCounts = { tests: 0, failures: 0, errors: 0, skipped: 0 };

export function addCounts(a: JunitCounts, b: JunitCounts): JunitCounts {
  return {
    tests: a.tests + b.tests,
    failures: a.failures + b.failures,
    errors: a.errors + b.errors,
    skipped: a.skipped + b.skipped,
  };
}

/** What only looks like a tag. */
const NO_MARKUP = /<!\[CDATA\[[\s\S]*?\]\]>|<!--[\s\S]*?-->/g;

const TAG = /<(\/?)(testcase|failure|error|skipped)\b(?:"[^"]*"|'[^']*'|[^>"'])*?(\/?)>/g;

/** A case counts once, by the first thing that is said of it; totals that suites state are not read. */
export function countJunit(xml: string): JunitCounts {
  const counts = { tests: 0, failures: 0, errors: 0, skipped: 0 };
  let isOpen = false;
  for (const [, closes, tag, isEmpty] of xml.replaceAll(NO_MARKUP, "").matchAll(TAG)) {
    if (tag === "testcase") {
      if (closes === "") counts.tests++;
      isOpen = closes === "" && isEmpty === "";
    } else if (closes === "" && isOpen) {
      isOpen = false;
      if (tag === "failure") counts.failures++;
      else if (tag === "error") counts.errors++;
      else counts.skipped++;
    }
  }
  return counts;
}
