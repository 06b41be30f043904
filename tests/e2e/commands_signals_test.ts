/** How `run` ends: SIGQUIT drains, SIGTERM aborts, a second signal forces. */

import { expect, test } from "bun:test";

import { eventually, expectSuccess, Lab } from "./lab.ts";
import { isAlive } from "../fixtures/processes.ts";

test.concurrent("SIGQUIT lets running jobs end, takes no other, and exits with 0", async () => {
  await using lab = await Lab.open();
  const gate = lab.gate("quit");
  const running = lab.start().enqueue({ script: [gate.wait, "echo ended-well"] });
  await lab.printed(running, "until [");
  lab.process.signal("SIGQUIT");
  await eventually(() => lab.process.log.includes("Stopping"), "the signal in the log");
  const late = lab.enqueue({ script: "true" });
  await Bun.sleep(500);
  expect(isAlive(lab.process.pid)).toBe(true);
  gate.open();
  const job = await lab.finished(running);
  expectSuccess(job);
  expect(job.lines).toContain("ended-well");
  expect(await lab.process.exited()).toBe(0);
  expect(late.state).toBe("pending");
  expect(lab.process.log).toContain("All workers stopped.");
  expect(lab.process.log).toContain("Can exit now!");
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  test.concurrent(`${signal} ends running jobs, tells the coordinator, and exits with 0`, async () => {
    await using lab = await Lab.open();
    const running = lab.start().enqueue({ script: ['echo "pid $$."', "sleep 300"] });
    await lab.printed(running, "pid ");
    const pid = Number(/^pid (\d+)\.$/m.exec(await running.trace.text())?.[1]);
    lab.process.signal(signal);
    const job = await lab.finished(running);
    expect(job).toMatchObject({
      state: "failed",
      failureReason: "runner_interrupted",
      checksum: "match",
    });
    const word = signal === "SIGINT" ? "interrupt" : "terminated";
    expect(job.plain).toContain(`ERROR: Job failed: aborted: ${word}`);
    expect(await lab.process.exited()).toBe(0);
    expect(lab.process.log).toContain("failure_reason=runner_interrupted");
    expect(isAlive(pid)).toBe(false);
  });
}

test.concurrent("SIGTERM after SIGQUIT ends the jobs that were waited for", async () => {
  await using lab = await Lab.open();
  const running = lab.start().enqueue({ script: ["echo begun", "sleep 300"] });
  await lab.printed(running, "begun\n");
  lab.process.signal("SIGQUIT");
  await eventually(() => lab.process.log.includes("Stopping"), "the first signal in the log");
  lab.process.signal("SIGTERM");
  const job = await lab.finished(running);
  expect(job.failureReason).toBe("runner_interrupted");
  expect(await lab.process.exited()).toBe(0);
});

test.concurrent("a second SIGTERM exits at once, and the next start tells of the job", async () => {
  await using lab = await Lab.open();
  const running = lab.start().enqueue({
    script: ['trap "" TERM; echo "pid $$."', "while :; do sleep 1; done"],
  });
  await lab.printed(running, "pid ");
  const pid = Number(/^pid (\d+)\.$/m.exec(await running.trace.text())?.[1]);
  lab.process.signal("SIGTERM");
  await Bun.sleep(400);
  expect(isAlive(lab.process.pid)).toBe(true);
  const forced = performance.now();
  lab.process.signal("SIGTERM");
  expect(await lab.process.exited()).toBe(1);
  expect(performance.now() - forced).toBeLessThan(2000);
  lab.start();
  const job = await lab.finished(running);
  expect(job).toMatchObject({ state: "failed", failureReason: "runner_system_failure" });
  await eventually(() => !isAlive(pid), "the end of the job's process");
});

test.concurrent("shutdown_timeout bounds the end of jobs that ignore SIGTERM", async () => {
  await using lab = await Lab.open({ globals: ["shutdown_timeout = 2"] });
  const running = lab.start().enqueue({
    script: ['trap "" TERM; echo "pid $$."', "while :; do sleep 1; done"],
  });
  await lab.printed(running, "pid ");
  const pid = Number(/^pid (\d+)\.$/m.exec(await running.trace.text())?.[1]);
  const told = performance.now();
  lab.process.signal("SIGTERM");
  await lab.process.exited();
  expect(performance.now() - told).toBeLessThan(4000);
  lab.start();
  expect((await lab.finished(running)).failureReason).toBe("runner_system_failure");
  await eventually(() => !isAlive(pid), "the end of the job's process");
});

test.concurrent("SIGHUP reads the configuration again and ends nothing", async () => {
  await using lab = await Lab.open();
  lab.start();
  expectSuccess(await lab.run({ script: "true" }));
  lab.process.signal("SIGHUP");
  expectSuccess(await lab.run({ script: "true" }));
  expect(isAlive(lab.process.pid)).toBe(true);
});

test.concurrent("SIGHUP is answered also when nothing has changed", async () => {
  await using lab = await Lab.open();
  const { process } = lab.start();
  await eventually(() => process.log.includes("Configuration loaded"), "the start");
  process.signal("SIGHUP");
  await eventually(() => process.log.includes("Configuration loaded, nothing has changed"), "it");
});

test.concurrent("SIGUSR1 puts what the process is doing into its log, and the job goes on", async () => {
  await using lab = await Lab.open();
  const gate = lab.gate("dump");
  const running = lab.start().enqueue({ script: gate.wait });
  await lab.printed(running, "until [");
  lab.process.signal("SIGUSR1");
  await eventually(() => /State of this process .*state=in_service/.test(lab.process.log), "it");
  const line = await eventually(
    () => lab.process.log.split("\n").find((each) => each.startsWith("Job in hand")),
    "the job",
  );
  expect(line).toContain(`/jobs/${running.id}`);
  expect(line).toContain("stage=step_script");
  expect(lab.process.log).toMatch(/Runner entry .*requests=\d+ .*runner=/);
  gate.open();
  expectSuccess(await lab.finished(running));
});
