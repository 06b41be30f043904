import { expect, test } from "bun:test";
import { jobTable, type ListedJob } from "../../../../core/local/views/job_list.ts";
import { painter } from "../../../../core/local/views/paint.ts";

test("jobTable keeps its columns, whatever names are made of and however many a job needs", () => {
  const jobs = [
    job("日本", null),
    job("a", []),
    job("b", ["a", "日本", "c"]),
    job("c", ["a", "b", "d", "e"]),
  ];
  expect(jobTable(jobs, painter(false)).split("\n").map((line) => line.trimEnd())).toEqual([
    "JOB   STAGE  WHEN        NEEDS            IMAGE",
    "日本  test   on_success",
    "a     test   on_success  nothing",
    "b     test   on_success  a, 日本, c",
    "c     test   on_success  a, b and 2 more",
    "",
  ]);
});

function job(name: string, needs: readonly string[] | null): ListedJob {
  const rest = { image: null, environment: null, skipped: null, description: "" };
  return { name, stage: "test", when: "on_success", allow_failure: false, needs, ...rest };
}
