import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../core/coordinator/clock.ts";
import type { JobHandle, JobUpdate } from "../../../core/coordinator/coordinator.ts";
import { Registry } from "../../../core/registry.ts";
import { recoverJobs } from "../../../core/runner/recovery.ts";
import { Outbox } from "../../../core/trace/outbox.ts";
import { JobRecord } from "../../../core/trace/record.ts";
import { Semaphore } from "../../../core/util/semaphore.ts";
import { quietLogger } from "../../fakes/quiet_logger.ts";
import { FACTS } from "../trace/fake_job.ts";

const scratch = mkdtempSync(join(tmpdir(), "recovery-test-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const answer = { cancelRequested: false, updateIntervalMs: undefined };

/** Recovers what `prepare` leaves in a state directory; the states that the coordinator is told. */
async function recover(prepare: (stateDir: string) => void): Promise<readonly string[]> {
  const stateDir = mkdtempSync(join(scratch, "state-"));
  prepare(stateDir);
  const told: string[] = [];
  const handle: JobHandle = {
    id: 1,
    patchTrace: ({ offset, bytes }) =>
      Promise.resolve({ kind: "accepted", stored: offset + bytes.length, ...answer }),
    updateJob: (update: JobUpdate) => {
      told.push(update.state);
      return Promise.resolve({ kind: "accepted", ...answer });
    },
  };
  const { signal } = new AbortController();
  const outbox = new Outbox({
    handleFor: () => handle,
    chunks: new Semaphore(1),
    clock: { ...systemClock, delay: () => Promise.resolve() },
    logger: quietLogger,
    signal,
  });
  await recoverJobs({
    host: { logger: quietLogger, systemId: "s_0123456789ab", stateDir },
    executors: new Registry("executor", []),
    runners: [],
    outbox,
    handleFor: () => handle,
    signal,
  });
  while (readdirSync(join(stateDir, "jobs")).length > 0) await Bun.sleep(5);
  return told;
}

test("recoverJobs() reports an accepted job as failed", async () => {
  expect(await recover((stateDir) => JobRecord.create(stateDir, FACTS).accept()))
    .toEqual(["failed"]);
});

test("recoverJobs() confirms a job that was just handed out before it speaks for it", async () => {
  expect(await recover((stateDir) => JobRecord.create(stateDir, FACTS)))
    .toEqual(["running", "failed"]);
});

test("recoverJobs() says nothing of a job that GitLab has given to somebody else", async () => {
  const told = await recover((stateDir) => {
    const file = join(JobRecord.create(stateDir, FACTS).path, "job.json");
    const content = JSON.parse(readFileSync(file, "utf8"));
    const started_at = new Date(Date.now() - 121_000).toISOString();
    writeFileSync(file, JSON.stringify({ ...content, started_at }));
  });
  expect(told).toEqual([]);
});
