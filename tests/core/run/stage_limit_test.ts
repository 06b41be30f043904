import { expect, test } from "bun:test";
import { stageLimit } from "../../../core/run/stage_limit.ts";

function limit(text: string) {
  return stageLimit("RUNNER_SCRIPT_TIMEOUT", text, { fallbackMs: 300_000, leftMs: 3_600_000 });
}

test("stageLimit() takes a duration of the job, and its own limit where there is none", () => {
  expect(limit("20m")).toEqual({ ms: 1_200_000 });
  expect(limit("")).toEqual({ ms: 300_000 });
  expect(limit("0")).toEqual({ ms: 300_000 });
});

test("stageLimit() tells of a limit that cannot be, in GitLab Runner's words", () => {
  expect(limit("soon")).toEqual({
    ms: 300_000,
    warning: "Ignoring malformed RUNNER_SCRIPT_TIMEOUT timeout: soon",
  });
  expect(limit("-5m").warning).toBe("Ignoring relative RUNNER_SCRIPT_TIMEOUT timeout: -5m");
  expect(limit("2h").warning).toBe(
    "RUNNER_SCRIPT_TIMEOUT timeout: 2h is longer than job timeout. Setting to job timeout",
  );
});
