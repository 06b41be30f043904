import { expect, test } from "bun:test";
import type { Executor, ExitStatus, StageCommand } from "../../../core/executor.ts";
import { Registry } from "../../../core/registry.ts";
import { type JobEnd, runJob } from "../../../core/run/run_job.ts";
import type { JobTrace } from "../../../core/trace/trace.ts";
import { bash } from "../../../shells/bash.ts";
import { planContext } from "./context.ts";

const NEVER = new AbortController().signal;
const DONE: ExitStatus = { kind: "exited", code: 0 };
const FILE = { variables: [{ key: "SECRET", value: "text", file: true }] };

/** Runs a job whose clean-up comes to what `cleanUp` says. */
async function ended(
  cleanUp: (command: StageCommand) => Promise<ExitStatus>,
  { payload = FILE, sharedEnvironment = true }: { payload?: object; sharedEnvironment?: boolean } =
    {},
): Promise<{ readonly end: JobEnd; readonly log: string }> {
  const { spec, runner, flags, environment } = planContext({ ...payload });
  let log = "";
  const say = (text: string) => void (log += `${text}\n`);
  const trace: JobTrace = {
    output: { write: () => undefined },
    size: 0,
    addMasks() {},
    startSection() {},
    endSection() {},
    print: say,
    notice: say,
    warning: say,
    error: say,
    finish: () => Promise.reject(new Error("not the job's own business")),
  };
  const executor: Executor = {
    prepare: () => Promise.resolve(environment),
    run: (command) =>
      command.stage === "cleanup_file_variables" ? cleanUp(command) : Promise.resolve(DONE),
    finish: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const end = await runJob({
    spec,
    runner,
    systemId: "s_0",
    flags,
    executorName: "shell",
    sharedEnvironment,
    executor,
    shells: new Registry("shell", [bash]),
    trace,
    correlationId: "",
    startedAt: new Date(0),
    remember() {},
    onStage() {},
  }, { script: NEVER, job: NEVER });
  return { end, log };
}

const unreachable = () => Promise.reject(new Error("the target has gone"));

test("runJob() tells who tidies up that secrets may be left where other jobs run", async () => {
  const { end, log } = await ended(unreachable);
  expect(end.result).toEqual({ kind: "success" });
  expect(log).toContain("Cleaning up failed: the target has gone");
  await expect(end.tidyUp({ signal: NEVER })).rejects.toThrow("the target has gone");
});

test("runJob() tells of secrets that a script could not remove", async () => {
  let tries = 0;
  const { end } = await ended(() =>
    tries++ === 0 ? unreachable() : Promise.resolve({ kind: "exited", code: 1 })
  );
  await expect(end.tidyUp({ signal: NEVER })).rejects.toThrow("exit status 1");
});

test("runJob() tells of secrets that two scripts could not remove", async () => {
  const { end, log } = await ended(() => Promise.resolve({ kind: "exited", code: 1 }));
  expect(log).toContain("Cleaning up failed: exit status 1");
  await expect(end.tidyUp({ signal: NEVER })).rejects.toThrow("exit status 1");
});

test("runJob() tells of no secrets where only the checkout could not be cleaned", async () => {
  const variables = [...FILE.variables, { key: "FF_ENABLE_JOB_CLEANUP", value: "true" }];
  const cleanUp = ({ script }: StageCommand): Promise<ExitStatus> =>
    Promise.resolve({ kind: "exited", code: script.includes("clean") ? 1 : 0 });
  const { end, log } = await ended(cleanUp, { payload: { variables } });
  expect(log).toContain("Cleaning up failed: exit status 1");
  await end.tidyUp({ signal: NEVER });
});

test("runJob() lets what goes with its environment, or is no secret, be left", async () => {
  const own = await ended(unreachable, { sharedEnvironment: false });
  await own.end.tidyUp({ signal: NEVER });
  const plain = await ended(unreachable, { payload: {} });
  await plain.end.tidyUp({ signal: NEVER });
});

test("runJob() removes secrets once, when that works", async () => {
  let tries = 0;
  const { end } = await ended(() => Promise.resolve(++tries).then(() => DONE));
  await end.tidyUp({ signal: NEVER });
  expect(tries).toBe(1);
});
