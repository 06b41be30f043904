import { describe, expect, test } from "bun:test";
import { compose } from "../../../core/pipeline/compose.ts";
import {
  EVERYTHING,
  select,
  type SelectionRequest,
  whyNothing,
} from "../../../core/pipeline/select.ts";
import { config, facts } from "./builders.ts";

const PIPELINE = compose(
  config({
    build: { stage: "build" },
    docs: { stage: "build", rules: [{ if: "$DOCS" }] },
    test: { parallel: { kind: "count", count: 2 } },
    lint: { needs: [] },
    check: { needs: ["lint"] },
    deploy: { stage: "deploy", when: "manual" },
    smoke: { stage: "deploy", needs: ["deploy", "check"] },
    last: { stage: ".post" },
  }),
  facts(),
);

function selected(request: Partial<SelectionRequest>): string[] {
  return select(PIPELINE, { ...EVERYTHING, ...request }).run.map(({ name }) => name);
}

describe("select() runs", () => {
  test.each<[string, Partial<SelectionRequest>, string[]]>([
    ["everything but manual jobs", {}, [
      "build",
      "test 1/2",
      "test 2/2",
      "lint",
      "check",
      "smoke",
      "last",
    ]],
    ["manual jobs besides", { manual: ["deploy"] }, [
      "build",
      "test 1/2",
      "test 2/2",
      "lint",
      "check",
      "deploy",
      "smoke",
      "last",
    ]],
    ["all instances by base name", { jobs: ["test"] }, ["test 1/2", "test 2/2"]],
    ["one instance by full name", { jobs: ["test 2/2"] }, ["test 2/2"]],
    ["several, in the pipeline's order", { jobs: ["last", "build"] }, ["build", "last"]],
    ["a manual job that is named", { jobs: ["deploy"] }, ["deploy"]],
    ["a stage", { stages: ["test"] }, ["test 1/2", "test 2/2", "lint", "check"]],
    ["a stage without its manual jobs", { stages: ["deploy"] }, ["smoke"]],
    ["a stage and a job", { stages: ["build"], jobs: ["last"] }, ["build", "last"]],
    ["with needs", { jobs: ["check"], needs: "also" }, ["lint", "check"]],
    ["with earlier stages, where there are no needs", { jobs: ["test 1/2"], needs: "also" }, [
      "build",
      "test 1/2",
    ]],
    ["with needs, but not what is manual", { jobs: ["smoke"], needs: "also" }, [
      "lint",
      "check",
      "smoke",
    ]],
    ["with needs and what is manual, when asked for", {
      jobs: ["smoke"],
      needs: "also",
      manual: ["deploy"],
    }, ["build", "test 1/2", "test 2/2", "lint", "check", "deploy", "smoke"]],
    ["only needs", { jobs: ["check"], needs: "only" }, ["lint"]],
    ["only needs, of which there are none", { jobs: ["lint"], needs: "only" }, []],
    ["what failed the last time", { rerun: ["test 2/2", "gone"] }, ["test 2/2"]],
    ["what failed the last time, manual jobs too", { rerun: ["deploy"] }, ["deploy"]],
    ["what failed of a stage", { rerun: ["build", "lint"], stages: ["test"] }, ["lint"]],
    ["nothing that rules leave out", { jobs: ["docs"] }, []],
  ])("%s", (_, request, expected) => {
    expect(selected(request)).toEqual(expected);
  });
});

test("select() says why the others do not run", () => {
  const { skipped } = select(PIPELINE, { ...EVERYTHING, stages: ["deploy"] });
  expect(skipped.map(({ name, reason, message }) => `${name} (${reason}): ${message}`)).toEqual([
    "build (not_selected): is not among the jobs asked for",
    "test 1/2 (not_selected): is not among the jobs asked for",
    "test 2/2 (not_selected): is not among the jobs asked for",
    "lint (not_selected): is not among the jobs asked for",
    "check (not_selected): is not among the jobs asked for",
    'deploy (manual): is manual: run it with --manual "deploy"',
    "last (not_selected): is not among the jobs asked for",
    "docs (not_selected): is not among the jobs asked for",
  ]);
});

test.each<[Partial<SelectionRequest>, string]>([
  [{ jobs: ["docs"] }, 'There is nothing to run: "docs" none of its rules fits'],
  [{ rerun: [] }, 'There is nothing to run: "docs" none of its rules fits'],
  [{ jobs: ["lint"], needs: "only" }, "There is nothing to run"],
])("whyNothing() names what was asked for: %j", (request, message) => {
  expect(whyNothing(select(PIPELINE, { ...EVERYTHING, ...request }))).toBe(message);
});

test("select() says which jobs cannot be run here", () => {
  const pipeline = compose(
    config({
      child: { trigger: {} },
      down: { trigger: { project: "group/other" } },
      steps: { run: [] },
      named: { run: [] },
      test: {},
    }),
    facts(),
  );
  const { run, skipped } = select(pipeline, { ...EVERYTHING, manual: ["named"] });
  expect(run.map(({ name }) => name)).toEqual(["child", "test"]);
  expect(skipped.map(({ name, reason, message }) => `${name} (${reason}): ${message}`)).toEqual([
    "down (unsupported): starts a pipeline of group/other, which is not to be had here",
    "steps (unsupported): is made of steps (run), which are not built yet",
    "named (unsupported): is made of steps (run), which are not built yet",
  ]);
});

test.each<[Partial<SelectionRequest>, string]>([
  [{ jobs: ["tests"] }, 'There is no job "tests"; did you mean "test"?'],
  [{ manual: ["xyz-xyz"] }, 'There is no job "xyz-xyz"; there are "build", "test 1/2", "test", '],
  [{ stages: ["nope"] }, 'There is no stage "nope"; there are ".pre", "build", "test"'],
])("select() refuses %j", (request, message) => {
  expect(() => selected(request)).toThrow(message);
});
