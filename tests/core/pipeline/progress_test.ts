import { describe, expect, test } from "bun:test";
import { BUILD, DEPLOY, type Jobs, play, Run } from "./trial_run.ts";

describe("Stages follow each other", () => {
  test("when all jobs of the one before have ended", () => {
    expect(play({ a: BUILD, b: BUILD, c: {}, d: DEPLOY }).events).toEqual([
      "start a",
      "start b",
      "a ok",
      "b ok",
      "start c",
      "c ok",
      "start d",
      "d ok",
    ]);
  });

  test("not when a job has failed", () => {
    const run = play({ a: BUILD, b: {}, c: DEPLOY }, { a: "fail" });
    expect(run.events).toEqual([
      "start a",
      "a fail",
      'skip b (stage_failed): "a" of an earlier stage failed',
      'skip c (stage_failed): "a" of an earlier stage failed',
    ]);
    expect(run.step.status).toBe("failed");
  });

  test("when a failure is allowed", () => {
    const run = play({ a: { ...BUILD, allowFailure: true }, b: {} }, { a: "fail" });
    expect(run.events).toEqual(["start a", "a fail", "start b", "b ok"]);
    expect(run.step.status).toBe("success");
  });

  test.each([["fail 3", "success"], ["fail 4", "failed"]])(
    "when exit code 3 is allowed and a job ends with %s: %s",
    (ending, status) => {
      const run = play({ a: { ...BUILD, allowFailure: { exitCodes: [3] } }, b: {} }, { a: ending });
      expect(run.step.status).toBe(status as "success" | "failed");
    },
  );

  test("when the one before was skipped", () => {
    const run = play({ a: BUILD, b: { when: "on_failure" }, c: DEPLOY });
    expect(run.events).toEqual([
      "start a",
      "a ok",
      "skip b (rules): runs only when something before it fails (when: on_failure)",
      "start c",
      "c ok",
    ]);
    expect(run.step.status).toBe("success");
  });

  test("not when a job was canceled", () => {
    const run = play({ a: BUILD, b: {}, c: { when: "always" } }, { a: "cancel" });
    expect(run.events).toEqual([
      "start a",
      "a cancel",
      'skip b (stage_failed): "a" of an earlier stage was canceled',
      'skip c (stage_failed): "a" of an earlier stage was canceled',
    ]);
    expect(run.step.status).toBe("canceled");
  });
});

describe("when decides", () => {
  test("that a job runs after failures only, or always", () => {
    const run = play({ a: BUILD, b: { when: "on_failure" }, c: { when: "always" }, d: DEPLOY }, {
      a: "fail",
    });
    expect(run.events).toEqual([
      "start a",
      "a fail",
      "start b",
      "start c",
      "b ok",
      "c ok",
      'skip d (stage_failed): "a" of an earlier stage failed',
    ]);
  });

  test("that a failure that is allowed is none", () => {
    const run = play({ a: { ...BUILD, allowFailure: true }, b: { when: "on_failure" } }, {
      a: "fail",
    });
    expect(run.events.at(-1)).toStartWith("skip b (rules)");
  });

  test("that a failure counts once its whole stage has ended", () => {
    const run = new Run({ a: BUILD, b: BUILD, c: { when: "on_failure" } });
    expect(run.end("a", "fail").step.start).toEqual([]);
    run.end("b");
    expect(run.events.at(-1)).toBe("start c");
  });

  test("that a delayed job waits for its time", () => {
    const run = new Run({ a: BUILD, b: { when: "delayed", startIn: "30 seconds" }, c: DEPLOY });
    run.nowMs = 1_000;
    run.end("a");
    expect(run.step.dueAtMs).toBe(31_000);
    expect(run.wait(29_999).step.start).toEqual([]);
    expect(run.wait(1).events.at(-1)).toBe("start b");
    expect(run.step.dueAtMs).toBeUndefined();
    expect(run.end("b").events.at(-1)).toBe("start c");
  });
});

describe("Manual jobs", () => {
  test("block what comes after them, unless they are optional", () => {
    const run = play({ a: { ...BUILD, rules: [{ when: "manual" }] }, b: {}, c: { needs: [] } });
    expect(run.events).toEqual([
      "start c",
      "c ok",
      'skip b (manual): waits for the manual job "a"; run it with --manual "a"',
    ]);
    expect(run.step.status).toBe("manual");
    expect(play({ a: { ...BUILD, when: "manual" }, b: {} }).events).toEqual(["start b", "b ok"]);
  });

  test("run when they are asked for, at their turn", () => {
    const jobs: Jobs = { a: BUILD, b: { rules: [{ when: "manual" }] }, c: DEPLOY };
    expect(play(jobs, {}, { manual: ["b"] }).events).toEqual([
      "start a",
      "a ok",
      "start b",
      "b ok",
      "start c",
      "c ok",
    ]);
  });

  test("do not block when they could not have been run", () => {
    const run = play({
      a: BUILD,
      b: { rules: [{ when: "manual" }] },
      c: { ...DEPLOY, when: "on_failure" },
    }, { a: "fail" });
    expect(run.events).toEqual(["start a", "a fail", "start c", "c ok"]);
  });

  test("that are needed are in the way, optional or not", () => {
    const optional = play({ a: { when: "manual" }, b: { needs: ["a"] } });
    expect(optional.events).toEqual([
      'skip b (manual): needs the manual job "a"; run it with --manual "a"',
    ]);
    const blocking = play({
      a: { rules: [{ when: "manual" }] },
      b: { needs: ["a"] },
      c: { needs: ["b"], when: "always" },
    });
    expect(blocking.events).toEqual([
      'skip b (manual): waits for the manual job "a"; run it with --manual "a"',
      'skip c (manual): waits for the manual job "a"; run it with --manual "a"',
    ]);
  });

  test("let a failure before them count", () => {
    const jobs: Jobs = { a: BUILD, b: { ...BUILD, rules: [{ when: "manual" }] }, c: {} };
    const run = play(jobs, { a: "fail" });
    expect(run.events.at(-1)).toStartWith("skip c (manual)");
    expect(run.step.status).toBe("failed");
  });
});

describe("Needs", () => {
  test("start a job as soon as they have ended, whatever the stages", () => {
    const run = new Run({ a: BUILD, b: BUILD, c: { needs: ["a"] }, d: {}, e: { needs: [] } });
    expect(run.events).toEqual(["start a", "start b", "start e"]);
    run.end("a");
    expect(run.events.at(-1)).toBe("start c");
    run.end("c").end("e").end("b");
    expect(run.events.at(-1)).toBe("start d");
  });

  test("of the same stage are waited for", () => {
    expect(play({ b: { needs: ["a"] }, a: {} }).events).toEqual([
      "start a",
      "a ok",
      "start b",
      "b ok",
    ]);
  });

  test("that fail or are skipped skip the job", () => {
    const run = play({ a: BUILD, b: { needs: ["a"] }, c: { needs: ["b"] } }, { a: "fail" });
    expect(run.events).toEqual([
      "start a",
      "a fail",
      'skip b (needs_failed): needs "a", which failed',
      'skip c (needs_failed): needs "b", which was skipped',
    ]);
  });

  test("count for on_failure and always", () => {
    const jobs: Jobs = {
      a: BUILD,
      b: BUILD,
      c: { needs: ["a", "b"], when: "on_failure" },
      d: { needs: ["a"], when: "always" },
      e: { needs: ["b"], when: "on_failure" },
    };
    expect(play(jobs, { a: "fail" }).events).toEqual([
      "start a",
      "start b",
      "a fail",
      "start d",
      "b ok",
      "skip e (rules): runs only when something before it fails (when: on_failure)",
      "start c",
      "d ok",
      "c ok",
    ]);
  });

  test("of which one was skipped decide at once, as on the server", () => {
    const run = play({
      a: BUILD,
      b: { ...BUILD, when: "on_failure" },
      c: { needs: ["a", "b"], when: "on_failure" },
      d: { needs: ["a", "b"], when: "always" },
    }, { a: "fail" });
    expect(run.events).toEqual([
      "skip b (rules): runs only when something before it fails (when: on_failure)",
      "skip c (rules): runs only when something before it fails (when: on_failure)",
      "start a",
      "start d",
      "a fail",
      "d ok",
    ]);
  });

  test("that were not asked for are not waited for", () => {
    const jobs: Jobs = { a: BUILD, b: { needs: ["a"] }, c: DEPLOY };
    expect(play(jobs, {}, { jobs: ["b", "c"] }).events).toEqual([
      "start b",
      "b ok",
      "start c",
      "c ok",
    ]);
  });
});

describe("cancelProgress()", () => {
  test("starts nothing any more", () => {
    const retry = { max: 2, when: ["always"], exitCodes: [] };
    const run = new Run({ a: { ...BUILD, retry }, b: {}, c: { when: "delayed", needs: [] } });
    run.cancel();
    expect(run.step.status).toBe("running");
    run.end("a", "fail");
    expect(run.events).toEqual([
      "start a",
      "skip b (canceled): the pipeline was canceled",
      "skip c (canceled): the pipeline was canceled",
      "a fail",
    ]);
    expect(run.step.status).toBe("canceled");
  });

  test("changes nothing about a run that is over", () => {
    expect(new Run({ a: {} }).end("a").cancel().step.status).toBe("success");
  });
});

test("reportFinished() refuses a job that is not running", () => {
  const run = new Run({ a: BUILD, b: {} });
  expect(() => run.end("b")).toThrow('Job "b" ended, which is not running');
  expect(() => run.end("nope")).toThrow('Job "nope" ended, which is not running');
});
