import { describe, expect, test } from "bun:test";
import { type Jobs, Run } from "./trial_run.ts";

describe("Resource groups", () => {
  test("let one job run at a time, in the order of asking", () => {
    const jobs: Jobs = {
      a: { resourceGroup: "one" },
      b: { resourceGroup: "one" },
      c: { resourceGroup: "one", needs: [] },
      d: { resourceGroup: "other" },
    };
    const run = new Run(jobs);
    expect(run.events).toEqual(["start a", "start d"]);
    run.end("d").end("a", "fail");
    expect(run.events.at(-1)).toBe("start b");
    run.end("b");
    expect(run.events.at(-1)).toBe("start c");
    expect(run.end("c").step.status).toBe("failed");
  });

  test("are kept while a job is tried again", () => {
    const retry = { max: 1, when: ["always"], exitCodes: [] };
    const run = new Run({ a: { resourceGroup: "g", retry }, b: { resourceGroup: "g" } });
    run.end("a", "fail");
    expect(run.events.at(-1)).toBe("start a (2)");
    expect(run.end("a").events.at(-1)).toBe("start b");
  });
});
