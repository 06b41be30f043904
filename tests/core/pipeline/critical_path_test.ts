import { expect, test } from "bun:test";
import { compose } from "../../../core/pipeline/compose.ts";
import { criticalPath } from "../../../core/pipeline/critical_path.ts";
import { config, facts, type JobText } from "./builders.ts";

test.each<[string, Readonly<Record<string, JobText>>, Record<string, number>, string[], number]>([
  ["of stages", { a: { stage: "build" }, b: { stage: "build" }, c: {} }, { a: 1, b: 3, c: 2 }, [
    "b",
    "c",
  ], 5],
  [
    "of needs",
    { a: { stage: "build" }, b: { stage: "build" }, c: { needs: ["a"] }, d: { needs: ["b"] } },
    { a: 1, b: 3, c: 5, d: 1 },
    ["a", "c"],
    6,
  ],
  ["within a stage", { b: { needs: ["a"] }, a: {} }, { a: 1, b: 1 }, ["a", "b"], 2],
  [
    "past jobs that did not run",
    { a: { stage: "build" }, b: {}, c: { stage: "deploy" } },
    {
      a: 1,
      c: 2,
    },
    ["a", "c"],
    3,
  ],
  [
    "through needs that did not run",
    { a: { stage: "build" }, b: { needs: ["a"] }, c: { needs: ["b"] } },
    {
      a: 1,
      c: 1,
    },
    ["a", "c"],
    2,
  ],
  ["where one job is all", { a: {}, b: {} }, { a: 4, b: 1 }, ["a"], 4],
  ["where nothing ran", { a: {} }, {}, [], 0],
])("criticalPath() %s", (_, jobs, durations, names, durationMs) => {
  const pipeline = compose(config(jobs), facts());
  expect(criticalPath(pipeline, new Map(Object.entries(durations)))).toEqual({
    jobs: names,
    durationMs,
  });
});
