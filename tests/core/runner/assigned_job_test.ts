import { expect, test } from "bun:test";
import type { Coordinator } from "../../../core/coordinator/coordinator.ts";
import { systemClock } from "../../../core/coordinator/clock.ts";
import type { Executor, ExecutorProvider } from "../../../core/executor.ts";
import { JobResponse } from "../../../core/job/response.ts";
import { noMetrics } from "../../../core/metrics/no_metrics.ts";
import { Registry } from "../../../core/registry.ts";
import { ActiveJobs } from "../../../core/runner/active_jobs.ts";
import { runnerInfo } from "../../../core/runner/announce.ts";
import { runAssignedJob } from "../../../core/runner/assigned_job.ts";
import { JobBudget } from "../../../core/runner/budget.ts";
import { JobTraces, type OpenedTrace } from "../../../core/runner/job_traces.ts";
import { JobSlots } from "../../../core/runner/slots.ts";
import { Outbox } from "../../../core/trace/outbox.ts";
import { Semaphore } from "../../../core/util/semaphore.ts";
import { bash } from "../../../shells/bash.ts";
import { quietLogger } from "../../fakes/quiet_logger.ts";
import { temporaryDirectory } from "../../fixtures/temporary_directory.ts";
import { namedExecutor } from "../cli/fixture.ts";
import { jobPayload, planContext } from "../run/context.ts";
import { FakeJob } from "../trace/fake_job.ts";

const NEVER = new AbortController().signal;

/** A disk that fails when a trace is closed. */
class FailingTraces extends JobTraces {
  override open(...args: Parameters<JobTraces["open"]>): OpenedTrace {
    const opened = super.open(...args);
    return {
      ...opened,
      finish: async (state, options) => {
        await opened.finish(state, options);
        throw new Error("EIO: i/o error, close");
      },
    };
  }
}

interface Ran {
  readonly disposed: number;
  readonly slots: JobSlots;
}

/** Runs a job that does nothing to its end, with everything that goes on afterwards. */
async function run(
  faults: { readonly provider?: Partial<ExecutorProvider>; readonly traces?: typeof JobTraces } =
    {},
): Promise<Ran> {
  using directory = temporaryDirectory();
  const stateDir = directory.path;
  const { environment, runner } = planContext();
  const handle = new FakeJob();
  let disposed = 0;
  const executor: Executor = {
    prepare: () => Promise.resolve(environment),
    run: () => Promise.resolve({ kind: "exited", code: 0 }),
    finish: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(void disposed++),
  };
  const coordinator = { job: () => handle } as unknown as Coordinator;
  const provider = { ...namedExecutor("shell"), ...faults.provider };
  const labels = { runner: "short", runner_name: "r", system_id: "s_0" };
  const schedule = {
    checkIntervalMs: 1000,
    strictCheckInterval: false,
    unhealthyRequestsLimit: 3,
    unhealthyIntervalMs: 1000,
  };
  const outbox = new Outbox({
    handleFor: () => handle,
    chunks: new Semaphore(1),
    clock: systemClock,
    logger: quietLogger,
    signal: NEVER,
  });
  const slots = new JobSlots();
  const background: Promise<void>[] = [];
  await runAssignedJob({
    parts: {
      runner,
      schedule,
      requests: { requestConcurrency: 1, adaptive: false },
      coordinator,
      provider,
      labels,
      info: () => runnerInfo(runner, undefined),
    },
    outcome: { kind: "job", job: JobResponse.parse(jobPayload()), tls: {}, correlationId: "" },
    executor,
    permit: undefined,
  }, {
    host: { logger: quietLogger, systemId: "s_0", stateDir },
    systemId: "s_0",
    logger: quietLogger,
    metrics: noMetrics,
    shells: new Registry("shell", [bash]),
    budget: new JobBudget(1, () => {}),
    active: new ActiveJobs(),
    traces: new (faults.traces ?? JobTraces)({ stateDir, logger: quietLogger, outbox }),
    slots: () => slots,
    background: (work) => void background.push(work),
    signal: NEVER,
  });
  await Promise.all(background);
  return { disposed, slots };
}

const FIRST = { runner: 0, project: 0 };

test("runAssignedJob() gives the slot back and tidies up", async () => {
  const { disposed, slots } = await run();
  expect([disposed, slots.take(9).slot]).toEqual([1, FIRST]);
});

test("runAssignedJob() does so also when the result cannot be reported", async () => {
  const { disposed, slots } = await run({ traces: FailingTraces });
  expect([disposed, slots.take(9).slot]).toEqual([1, FIRST]);
});

test("runAssignedJob() does so also when the job cannot be begun", async () => {
  const info = () => {
    throw new Error("the plugin has gone");
  };
  const { disposed, slots } = await run({ provider: { info } });
  expect([disposed, slots.take(9).slot]).toEqual([1, FIRST]);
});
