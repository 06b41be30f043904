/** Small files that ask for far more than they are: each is refused, and soon. */

import { expect, test } from "bun:test";
import type { CiConfig } from "../../../core/pipeline/ci_config.ts";
import { CiConfigError } from "../../../core/pipeline/place.ts";
import { readConfig } from "../../../core/pipeline/read_config.ts";

/** Generous for a busy machine, and nothing beside what the bombs would take. */
const LONGEST_MS = 5000;
/** Of both processors, that of collecting garbage and compiling included. */
const MOST_PROCESSOR_MS = 300;

const JOB = "test: { script: make }\n";
const levels = (count: number, line: (level: number) => string): string =>
  Array.from({ length: count }, (_, level) => line(level)).join("\n");

const BOMBS: Readonly<Record<string, string>> = {
  "aliases of aliases": "a0: &a0 [x]\n" +
    levels(30, (level) => `a${level + 1}: &a${level + 1} [*a${level}, *a${level}]`) + `\n${JOB}`,
  "merge keys of merge keys": ".a0: &a0 { k: [x] }\n" +
    levels(30, (n) => `.a${n + 1}: &a${n + 1} { <<: *a${n}, k${n}: *a${n}, l${n}: *a${n} }`) +
    `\n${JOB}`,
  "references of references": ".a0: [x, x]\n" +
    levels(25, (n) => `.a${n + 1}: [!reference [.a${n}], !reference [.a${n}]]`) + `\n${JOB}`,
  "a long chain of references": levels(5000, (n) => `.a${n}: !reference [.a${n + 1}]`) +
    `\n.a5000: [x]\n${JOB}`,
  "many jobs that extend one large job":
    `.large: { variables: { ${levels(20_000, (n) => `K${n}: v,`).replaceAll("\n", " ")} } }\n` +
    levels(200, (n) => `job${n}: { extends: .large, script: make }`) + "\n",
  "jobs that extend several, level upon level": ".a0: { script: make }\n" +
    levels(
      15,
      (n) => `.a${n + 1}: { extends: [${levels(30, () => `.a${n}`).replaceAll("\n", ",")}] }`,
    ) +
    "\ntest: { extends: .a15 }\n",
  "a large file that includes itself": `include: .gitlab-ci.yml\n.large: [${
    "x, ".repeat(50_000)
  }x]\n${JOB}`,
  "deeply nested lists": `test: { script: ${"[".repeat(5000)}${"]".repeat(5000)} }\n`,
  "a very long file": `test: { script: make }\n${"# comment\n".repeat(300_000)}`,
  "inputs in inputs": "spec: { inputs: { a: { type: array, default: [" +
    `${"x, ".repeat(2000)}x] } } }\n---\n${
      levels(500, (n) => `.k${n}: "$[[ inputs.a ]]"`)
    }\n${JOB}`,
};

for (const [name, text] of Object.entries(BOMBS)) {
  test(`readConfig refuses ${name}, and soon`, async () => {
    const start = performance.now();
    const refusal = await readText(text).catch((error) => error);
    expect(refusal).toBeInstanceOf(CiConfigError);
    expect(refusal.message).toMatch(/too (?:big|large|deep)/);
    expect(performance.now() - start).toBeLessThan(LONGEST_MS);
  });
}

test("readConfig takes little time for many jobs", async () => {
  const text = levels(500, (n) => `
job${n}:
  extends: .base
  stage: ${n < 100 ? "build" : "test"}
  script: [make target-${n}, echo "done ${n}"]
  needs: [${n < 100 ? "" : `job${n % 100}`}]
  rules: [{ if: $CI_COMMIT_BRANCH == "main" }, { when: manual, allow_failure: true }]
  variables: { NAME: value ${n}, OTHER: text }
  artifacts: { paths: [out/${n}], expire_in: 1 week }`);
  const before = process.cpuUsage();
  const { jobs } = await readText(`.base: { before_script: [setup], image: alpine }\n${text}`);
  const { user, system } = process.cpuUsage(before);
  expect(jobs.size).toBe(500);
  expect((user + system) / 1000).toBeLessThan(MOST_PROCESSOR_MS);
});

function readText(text: string): Promise<CiConfig> {
  return readConfig({
    read: () => Promise.resolve(text),
    files: () => [],
    changedFiles: () => undefined,
    fetch: () => Promise.resolve({ kind: "missing", message: "" }),
    filesOf: () => Promise.resolve([]),
  }, {
    file: ".gitlab-ci.yml",
    variables: {},
    inputs: {},
    signal: new AbortController().signal,
  });
}
