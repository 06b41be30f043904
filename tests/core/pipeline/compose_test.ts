/** Pipelines as they come out of whole configurations. */

import { describe, expect, test } from "bun:test";
import { compose } from "../../../core/pipeline/compose.ts";
import { criticalPath } from "../../../core/pipeline/critical_path.ts";
import { beginProgress } from "../../../core/pipeline/progress.ts";
import { EVERYTHING, select } from "../../../core/pipeline/select.ts";
import { config, facts, type JobText, names, valuesOf } from "./builders.ts";

describe("compose() puts jobs in", () => {
  test("the order of stages, and of the files within one", () => {
    const pipeline = compose(
      config({
        deploy: { stage: "deploy" },
        last: { stage: ".post" },
        b: {},
        build: { stage: "build" },
        a: {},
        first: { stage: ".pre" },
      }),
      facts(),
    );
    expect(names(pipeline)).toEqual(["first", "build", "b", "a", "deploy", "last"]);
    expect(pipeline.refusal).toBeUndefined();
  });

  test("as many as parallel says, numbered", () => {
    const { jobs } = compose(config({ test: { parallel: { kind: "count", count: 3 } } }), facts());
    expect(jobs.map(({ name, baseName, node }) => [name, baseName, node])).toEqual([
      ["test 1/3", "test", { index: 1, total: 3 }],
      ["test 2/3", "test", { index: 2, total: 3 }],
      ["test 3/3", "test", { index: 3, total: 3 }],
    ]);
  });

  test("one for every combination of a matrix, the last variable changing fastest", () => {
    const { jobs } = compose(
      config({
        build: {
          parallel: {
            kind: "matrix",
            matrix: [
              { OS: ["linux", "mac"], ARCH: ["x64", "arm"] },
              { OS: ["windows"], ARCH: ["x64"] },
            ],
          },
        },
      }),
      facts(),
    );
    expect(jobs.map(({ name }) => name)).toEqual([
      "build: [linux, x64]",
      "build: [linux, arm]",
      "build: [mac, x64]",
      "build: [mac, arm]",
      "build: [windows, x64]",
    ]);
    expect(valuesOf(jobs[3]!.variables)).toMatchObject({
      OS: "mac",
      ARCH: "arm",
      CI_NODE_INDEX: "4",
      CI_NODE_TOTAL: "5",
      CI_JOB_NAME: "build: [mac, arm]",
      CI_JOB_NAME_SLUG: "build---mac--arm",
      CI_JOB_GROUP_NAME: "build",
    });
  });

  test("only those instances that their rules let in", () => {
    const pipeline = compose(
      config({
        build: {
          parallel: { kind: "matrix", matrix: [{ OS: ["linux", "mac"] }] },
          rules: [{ if: '$OS == "mac"' }],
        },
      }),
      facts(),
    );
    expect(names(pipeline)).toEqual(["build: [mac]"]);
    expect(pipeline.excluded.map(({ name, message }) => [name, message])).toEqual([
      ["build: [linux]", "none of its rules fits"],
    ]);
  });
});

describe("compose() makes no pipeline", () => {
  const filtered = "Pipeline filtered out by workflow rules.";
  const noJobs = "Pipeline will not run for the selected trigger. " +
    "The rules configuration prevented any jobs from being added to the pipeline.";
  test.each<[string, Parameters<typeof config>, string]>([
    [
      "when no workflow rule fits",
      [{ a: {} }, { workflow: { rules: [{ if: "$NOPE" }] } }],
      filtered,
    ],
    [
      "when a workflow rule says never",
      [{ a: {} }, { workflow: { rules: [{ if: "$CI_COMMIT_BRANCH", when: "never" }, {}] } }],
      filtered,
    ],
    ["when rules leave no job", [{ a: { rules: [{ if: "$NOPE" }] } }], noJobs],
    [
      "of .pre and .post alone",
      [{ a: { stage: ".pre" }, b: { stage: ".post" }, c: { rules: [{ when: "never" }] } }],
      noJobs,
    ],
  ])("%s", (_, [jobs, more], message) => {
    const pipeline = compose(config(jobs, more), facts());
    expect(pipeline.refusal).toBe(message);
    expect(pipeline.jobs).toEqual([]);
  });
});

test("compose() leaves every job out of a pipeline that the workflow filters out", () => {
  const one = config({ a: {}, b: { parallel: { kind: "count", count: 2 } } }, {
    workflow: { rules: [] },
  });
  expect(compose(one, facts()).excluded.map(({ name }) => name)).toEqual(["a", "b 1/2", "b 2/2"]);
});

test("compose() and what follows take chains of any length", () => {
  const jobs: Record<string, JobText> = {};
  for (let at = 0; at < 10_000; at++) {
    jobs[`job-${at}`] = at === 0 ? {} : { needs: [`job-${at - 1}`] };
  }
  const reversed = Object.fromEntries(Object.entries(jobs).toReversed());
  const pipeline = compose(config(reversed), facts());
  const step = beginProgress(pipeline, select(pipeline, EVERYTHING), 0);
  expect(step.start.map(({ job }) => job.name)).toEqual(["job-0"]);
  expect(criticalPath(pipeline, new Map([["job-0", 1], ["job-9999", 2]]))).toEqual({
    jobs: ["job-0", "job-9999"],
    durationMs: 3,
  });
}, 30_000);
