import { expect, test } from "bun:test";
import { boardCoordinator, JobBoard } from "../../../core/local/job_board.ts";
import { LocalJob } from "../../../core/local/local_job.ts";
import { JobResponse } from "../../../core/job/response.ts";
import { jobSpec } from "../../../core/job/spec.ts";

const signal = new AbortController().signal;
const INFO = {
  name: "test",
  version: "1",
  revision: "1",
  platform: "linux",
  architecture: "amd64",
  features: {},
};

function newJob(id: number, executor = "shell") {
  const trace: string[] = [];
  let starts = 0;
  const job = new LocalJob({
    response: JobResponse.parse({ id, token: `token-${id}` }),
    executor,
    onStart: () => starts++,
    onTrace: (bytes) => trace.push(Buffer.from(bytes).toString()),
    onFailed: ({ why }) => void trace.push(`failed: ${why}`),
  });
  return { job, trace, starts: () => starts };
}

test("JobBoard hands a job to the entry of its executor, whoever comes first", async () => {
  const board = new JobBoard();
  board.offer(newJob(1, "docker").job);
  const waiting = board.take("shell", signal);
  board.offer(newJob(2).job);
  expect((await waiting).id).toBe(2);
  expect((await board.take("docker", signal)).id).toBe(1);
});

test("JobBoard forgets who has given up, and a job that was withdrawn", async () => {
  const board = new JobBoard();
  const giving = new AbortController();
  const given = board.take("shell", giving.signal);
  giving.abort(new Error("enough"));
  await expect(given).rejects.toThrow("enough");
  const { job } = newJob(1);
  board.offer(job);
  expect(board.withdraw(job)).toBe(true);
  expect(board.withdraw(job)).toBe(false);
  const waiting = board.take("shell", signal);
  board.offer(newJob(2).job);
  expect((await waiting).id).toBe(2);
});

test("boardCoordinator passes trace and result on, each byte once", async () => {
  const board = new JobBoard();
  const { job, trace, starts } = newJob(1);
  board.offer(job);
  using coordinator = boardCoordinator(board, "shell");
  const outcome = await coordinator.requestJob({ info: INFO }, { signal });
  expect(outcome).toMatchObject({ kind: "job", job: { id: 1 } });
  const handle = coordinator.job({ id: 1, token: "token-1" }, INFO);
  await handle.updateJob({ state: "running" }, { signal });
  const patch = (offset: number, text: string) =>
    handle.patchTrace({ offset, bytes: Buffer.from(text), debugTrace: false }, { signal });
  expect(await patch(0, "one\n")).toMatchObject({ kind: "accepted", stored: 4 });
  expect(await patch(2, "e\ntwo\n")).toMatchObject({ kind: "accepted", stored: 8 });
  expect(await patch(20, "gap")).toMatchObject({ kind: "range-mismatch", size: 8 });
  expect(trace.join("")).toBe("one\ntwo\n");
  expect(starts()).toBe(1);
  const trace1 = { crc32: 0, size: 8 };
  await handle.updateJob({ state: "failed", exitCode: 3, trace: trace1 }, { signal });
  job.end();
  expect(await job.finished).toMatchObject({ state: "failed", exitCode: 3 });
});

test("LocalJob is told of a failure when all that was printed before has come", async () => {
  const { job, trace } = newJob(1);
  job.patch({ offset: 0, bytes: Buffer.from("one\n"), debugTrace: false });
  const told = job.tellFailed({
    spec: jobSpec(job.response, { slot: { runner: 0, project: 0 }, tls: {} }),
    paths: { buildsDir: "", projectDir: "", tempDir: "", cacheDir: "" },
    why: "exit status 1",
    traceBytes: 8,
    openTerminal: undefined,
    keep: undefined,
    shell: () => {
      throw new Error("nobody asked for it");
    },
  });
  job.patch({ offset: 4, bytes: Buffer.from("two\n"), debugTrace: false });
  await told;
  expect(trace).toEqual(["one\n", "two\n", "failed: exit status 1"]);
});

test("boardCoordinator says of an earlier run's job that it is over, also when a job has its number", async () => {
  const board = new JobBoard();
  const { job, trace } = newJob(9);
  board.offer(job);
  using coordinator = boardCoordinator(board, "shell");
  const handle = coordinator.job({ id: 9, token: "old" }, INFO);
  const chunk = { offset: 0, bytes: Buffer.from("late\n"), debugTrace: false };
  expect(await handle.patchTrace(chunk, { signal })).toMatchObject({ kind: "job-over" });
  expect(trace).toEqual([]);
  expect(await handle.updateJob({ state: "running" }, { signal })).toMatchObject({
    kind: "job-over",
  });
});
