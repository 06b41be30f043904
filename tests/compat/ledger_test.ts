import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { CITATIONS } from "./citations.ts";
import { parseCitations, parseRequirements, problems, testNames } from "./ledger.ts";
import { REQUIREMENTS } from "./requirements.ts";

function testsIn(file: string): string[] {
  const path = join(import.meta.dir, "..", file);
  return existsSync(path) ? testNames(readFileSync(path, "utf8")) : [];
}

test("every promise of the ledger has a test, and every citation a promise", () => {
  const found = problems(parseRequirements(REQUIREMENTS), parseCitations(CITATIONS), testsIn);
  expect(found).toEqual([]);
});

test("problems() finds a promise without a test, an unknown id, a doubled id and a lost test", () => {
  const requirements = parseRequirements(
    "a:b  1.2  It works.\na:c  3  So does this.\na:c  3  Again.",
  );
  const citations = parseCitations(
    "a:b  x_test.ts  one\na:b  x_test.ts  gone\na:d  x_test.ts  one",
  );
  expect(problems(requirements, citations, () => ["one"])).toEqual([
    "a:c is there twice",
    "a:c has no test",
    "a:c has no test",
    "a:d is no promise",
    'a:b: x_test.ts has no test "gone"',
  ]);
});

test("testNames() finds tests of every form that runs, and no others", () => {
  const source = 'test("plain", () => {});\ntest.concurrent(\n  "wrapped", f);\n' +
    'test(`with ${this}`, f);\ntest.skipIf(!isRoot())("needs root", f);\n' +
    'test("with \\"quotes\\"", f);\ntest.skip("off", f);\ntest.todo("later");\nlatest("no", f);';
  expect(testNames(source))
    .toEqual(["plain", "wrapped", "with ${this}", "needs root", 'with "quotes"']);
});

test("parseRequirements() refuses a line of another form", () => {
  expect(() => parseRequirements("a:b  It works.")).toThrow('line "a:b  It works."');
});
