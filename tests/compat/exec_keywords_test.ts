import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PAGE, renderPage } from "../../scripts/exec_keywords.ts";
import { parseCase } from "../core/pipeline/case_file.ts";
import { type Keyword, keywordCitations, loadKeywords } from "./keyword_table.ts";
import { uses } from "./keyword_uses.ts";
import { testNames } from "./ledger.ts";

const KEYWORDS = await loadKeywords();

function testsIn(file: string): string[] {
  const path = join(import.meta.dirname, "..", file);
  return existsSync(path) ? testNames(readFileSync(path, "utf8")) : [];
}

/** What a keyword lacks: it has to be proven where it takes effect. */
function missing({ keyword, far, where, cases, runs }: Keyword): string[] {
  const isComposed = cases.some((name) => name.startsWith("composing/"));
  return [
    ...(cases.length === 0 ? [`${keyword} is in no case`] : []),
    ...(where === "pipeline" && !isComposed ? [`${keyword} is in no case of composing`] : []),
    ...(where === "job" && far !== "moot" && runs.length === 0
      ? [`${keyword} is in no test that runs a job`]
      : []),
  ];
}

test("every keyword is there once, and proven where it takes effect", () => {
  const names = KEYWORDS.map(({ keyword }) => keyword);
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
  expect(KEYWORDS.flatMap(missing)).toEqual([]);
  expect(KEYWORDS.length).toBeGreaterThan(120);
});

test("every citation names a keyword and a test that there is", () => {
  const names = new Set(KEYWORDS.map(({ keyword }) => keyword));
  const broken = keywordCitations().filter(({ keyword, file, test }) =>
    !names.has(keyword) || !testsIn(file).includes(test)
  );
  expect(broken).toEqual([]);
});

test("docs/exec-keywords.md is what scripts/exec_keywords.ts makes of the tests", () => {
  const isFresh = readFileSync(PAGE, "utf8") === renderPage(KEYWORDS);
  expect(isFresh ? "fresh" : "stale: run bun scripts/exec_keywords.ts").toBe("fresh");
});

test.each<[string, string, boolean]>([
  ["image", "image: node", true],
  ["image:name", "job:\n  image: { name: node }", true],
  ["image:name", "job:\n  image: node", false],
  ["image", "default:\n  image: node", true],
  ["image", "variables:\n  image: node", false],
  ["rules:if", "job:\n  rules: [{ when: never }, { if: $A }]", true],
  ["variables:*:value", "variables: { A: { value: x } }", true],
  ["services:*:alias", "job:\n  services: [x, { name: y, alias: z }]", true],
  [
    "spec:inputs:*:type",
    "spec: { inputs: { a: { type: string } } }\n---\njob: { script: x }",
    true,
  ],
])("uses() of %s in %j", (keyword, yaml, expected) => {
  const one = parseCase("case", `-- .gitlab-ci.yml --\n${yaml}\n`);
  expect(uses(one, keyword)).toBe(expected);
});
