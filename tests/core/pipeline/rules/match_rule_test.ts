import { describe, expect, test } from "bun:test";
import { compose } from "../../../../core/pipeline/compose.ts";
import { config, facts, type FactsText, refusals, type RuleText } from "../builders.ts";

describe("compose() decides by rules", () => {
  const decided = (rules: readonly RuleText[], more: object = {}, event: FactsText = {}) => {
    const { jobs } = compose(config({ a: {}, job: { rules, ...more } }), facts(event));
    const job = jobs.find(({ name }) => name === "job");
    return job === undefined ? "out" : {
      when: job.when,
      allowFailure: job.allowFailure,
      ...(job.startInMs > 0 ? { startInMs: job.startInMs } : {}),
      ...(job.interruptible ? { interruptible: true } : {}),
    };
  };
  const plain = { when: "on_success", allowFailure: false } as const;
  test.each<[string, RuleText[], object, ReturnType<typeof decided>]>([
    ["an empty rule", [{}], {}, plain],
    ["no rules at all", [], {}, "out"],
    ["the first that fits", [{ if: "$NOPE" }, { when: "always" }, {}], {}, {
      when: "always",
      allowFailure: false,
    }],
    ["never", [{ when: "never" }, {}], {}, "out"],
    ["never of the job itself", [{}], { when: "never" }, "out"],
    ["when of the job", [{}], { when: "on_failure" }, { when: "on_failure", allowFailure: false }],
    ["a manual rule, which blocks", [{ when: "manual" }], {}, {
      when: "manual",
      allowFailure: false,
    }],
    ["a manual job, which does not", [{}], { when: "manual" }, {
      when: "manual",
      allowFailure: true,
    }],
    ["a manual rule that may fail", [{ when: "manual", allowFailure: true }], {}, {
      when: "manual",
      allowFailure: true,
    }],
    [
      "allow_failure of a rule before the job's",
      [{ allowFailure: false }],
      { allowFailure: true },
      plain,
    ],
    ["exit codes of the job", [{}], { allowFailure: { exitCodes: [3] } }, {
      when: "on_success",
      allowFailure: { exitCodes: [3] },
    }],
    ["a delay", [{ when: "delayed", startIn: "1 minute 30 seconds" }], {}, {
      when: "delayed",
      allowFailure: false,
      startInMs: 90_000,
    }],
    ["interruptible of a rule", [{ interruptible: true }], {}, { ...plain, interruptible: true }],
  ])("%s", (_, rules, more, expected) => {
    expect(decided(rules, more)).toEqual(expected);
  });

  test.each<[string, RuleText, FactsText, boolean]>([
    ["changed files", { changes: ["src/**/*"] }, { changed: ["src/a/b.ts"] }, true],
    ["other changed files", { changes: ["src/**/*"] }, { changed: ["README.md"] }, false],
    ["no changed files", { changes: ["**/*"] }, { changed: [] }, false],
    ["nothing to compare with", { changes: ["src/**/*"] }, {}, true],
    ["changes with a variable", { changes: ["$DIR/*"] }, {
      changed: ["app/x"],
      project: { DIR: "$BASE", BASE: "app" },
    }, true],
    ["changes since a ref", { changes: ["a"], compareTo: "$BASE" }, {
      changedSince: { main: ["a"] },
      project: { BASE: "main" },
    }, true],
    ["too many changes to look at", { changes: ["nope", "neither"] }, {
      changed: Array(25_001).fill("x"),
    }, true],
    ["an existing file", { exists: ["Dockerfile"] }, { files: ["Dockerfile"] }, true],
    ["a missing file", { exists: ["Dockerfile"] }, { files: ["a/Dockerfile"] }, false],
    ["a folder, which is no file", { exists: ["src"] }, { files: ["src/a"] }, false],
    ["files by pattern", { exists: ["**/test/*.js"] }, { files: ["a/test/b.js"] }, true],
    ["files by ending", { exists: ["**/*.js"] }, { files: ["a/b.js"] }, true],
    ["files by another ending", { exists: ["**/*.ts"] }, { files: ["a/b.js"] }, false],
    ["a file by variable", { exists: ["$NAME.toml"] }, {
      files: ["a.toml"],
      project: { NAME: "a" },
    }, true],
    ["all clauses", { if: "$NOPE", exists: ["a"] }, { files: ["a"] }, false],
    ["all clauses but one", { if: "$CI_COMMIT_BRANCH", exists: ["b"] }, { files: ["a"] }, false],
    ["a variable as written", { if: '$A == "$B"' }, { project: { A: "$B", B: "b" } }, true],
    ["no stored variables", { if: "$CI_PIPELINE_ID || $CI_JOB_TOKEN" }, {
      predefined: { CI_PIPELINE_ID: "1", CI_JOB_TOKEN: "x" },
    }, false],
    [
      "the job's own variables",
      { if: '$CI_JOB_NAME == "job" && $CI_JOB_STAGE == "test"' },
      {},
      true,
    ],
  ])("fits by %s", (_, rule, event, expected) => {
    expect(decided([rule], {}, event) !== "out").toBe(expected);
  });

  test("refuses to compare with an unknown ref", () => {
    const one = config({ job: { rules: [{ changes: ["a"], compareTo: "nope" }] } });
    expect(refusals(() => compose(one, facts()))).toEqual([
      "Failed to parse rule for job: rules:changes:compare_to is not a valid ref",
    ]);
  });

  test("asks for files and changes once", () => {
    let asked = 0;
    const rules = [{ changes: ["a"] }, { exists: ["a", "b*"] }];
    const jobs = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`job${at}`, { rules }]));
    const counting = facts();
    compose(config({ ...jobs, always: {} }), {
      ...counting,
      changedFiles: () => (asked++, []),
      files: () => (asked++, []),
    });
    expect(asked).toBe(2);
  });
});
