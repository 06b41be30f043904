import { describe, expect, test } from "bun:test";
import type { JobText } from "./builders.ts";
import { BUILD, type Ending, Run } from "./trial_run.ts";

describe("Failures are tried again", () => {
  const twice = { max: 2, when: ["always"], exitCodes: [] };
  test("as often as retry says", () => {
    const run = new Run({ a: { retry: twice } });
    run.end("a", "fail").end("a", "fail").end("a", "fail");
    expect(run.events).toEqual([
      "start a",
      "a fail",
      "start a (2)",
      "a fail",
      "start a (3)",
      "a fail",
    ]);
    expect(run.step.status).toBe("failed");
  });

  test("and may end well", () => {
    const run = new Run({ a: { ...BUILD, retry: twice }, b: {} });
    run.end("a", "fail").end("a");
    expect(run.events.at(-1)).toBe("start b");
  });

  test.each<[string, JobText["retry"] & object, Ending, boolean]>([
    ["a reason", { max: 1, when: ["script_failure"], exitCodes: [] }, "fail", true],
    ["another reason", { max: 1, when: ["runner_system_failure"], exitCodes: [] }, "fail", false],
    ["a broken runner", { max: 1, when: ["runner_system_failure"], exitCodes: [] }, "broken", true],
    ["an exit code", { max: 1, when: [], exitCodes: [137] }, "fail 137", true],
    ["another exit code", { max: 1, when: [], exitCodes: [137] }, "fail 1", false],
    ["either", { max: 1, when: ["script_failure"], exitCodes: [137] }, "fail 1", true],
    ["no failure", { max: 2, when: ["always"], exitCodes: [] }, "cancel", false],
    ["no retry", { max: 0, when: [], exitCodes: [] }, "fail", false],
  ])("by %s", (_, retry, ending, expected) => {
    const run = new Run({ a: { retry } }).end("a", ending);
    expect(run.step.start.map(({ attempt }) => attempt)).toEqual(expected ? [2] : []);
  });
});
