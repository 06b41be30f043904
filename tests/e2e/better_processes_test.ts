/** Processes and files of a job where GitLab Runner 19.4 hangs, or lets one job reach another. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";

import { eventually, expectSuccess, filesBelow, Lab, zipNames } from "./lab.ts";
import { isAlive } from "../fixtures/processes.ts";

let lab: Lab;
beforeAll(async () => {
  lab = (await Lab.open({
    requestConcurrency: 6,
    entry: ["[runners.custom_build_dir]", "enabled = true"],
  })).start();
});
afterAll(async () => await lab[Symbol.asyncDispose]());

const ARCHIVE = { artifact_type: "archive", artifact_format: "zip", when: "always" };

function pidsIn(plain: string): number[] {
  return [...plain.matchAll(/^pid (\d+)$/gm)].map(([, pid]) => Number(pid));
}

test.concurrent("a child that called setsid and holds the output does not hang the job", async () => {
  const started = performance.now();
  const job = await lab.run({
    script: ["setsid sh -c 'echo \"pid $$\"; exec sleep 300' & sleep 0.2", "echo the-end"],
  });
  expectSuccess(job);
  expect(performance.now() - started).toBeLessThan(8000);
  expect(job.lines).toContain("the-end");
  const pids = pidsIn(job.plain);
  expect(pids.length).toBe(1);
  expect(pids.filter(isAlive)).toEqual([]);
});

test.concurrent("a daemon that forked twice and changed its directory is ended with the job", async () => {
  const job = await lab.run({
    script: [
      `setsid sh -c '(cd /; trap "" TERM HUP; echo "pid $(exec sh -c "echo \\$PPID")"; sleep 300) &' ; sleep 0.3`,
    ],
  });
  expectSuccess(job);
  expect(pidsIn(job.plain).length).toBe(1);
  expect(pidsIn(job.plain).filter(isAlive)).toEqual([]);
});

test.concurrent("a timeout ends children that called setsid and ignore SIGHUP", async () => {
  const job = await lab.run({
    timeout: 1,
    script: ["setsid nohup sh -c 'echo \"pid $$\"; exec sleep 300' & sleep 0.2", "sleep 300"],
  });
  expect(job.failureReason).toBe("job_execution_timeout");
  expect(pidsIn(job.plain).length).toBe(1);
  expect(pidsIn(job.plain).filter(isAlive)).toEqual([]);
});

test.concurrent("another job's processes outlive the end of one job", async () => {
  const gate = lab.gate("other");
  const other = lab.enqueue({ script: [gate.wait, "echo other-ended-well"] });
  await lab.printed(other, "until [");
  expectSuccess(await lab.run({ script: "setsid sleep 300 & true" }));
  gate.open();
  const job = await lab.finished(other);
  expectSuccess(job);
  expect(job.lines).toContain("other-ended-well");
});

/** Artifacts of `out`, which an earlier job of the same place has replaced as `plant` says. */
async function plantedThenPacked(place: string, plant: string): Promise<string[]> {
  const variables = { GIT_STRATEGY: "none", GIT_CLONE_PATH: `$CI_BUILDS_DIR/${place}` };
  expectSuccess(await lab.run({ variables, script: plant }));
  const job = await lab.run({
    variables,
    script: "true",
    artifacts: [{ ...ARCHIVE, paths: ["out/", "out/*", "out/**/*", "out/secret"] }],
  });
  const stored = lab.coordinator.artifacts(job.job);
  return stored.length === 0 ? [] : await zipNames(lab.artifact(job.job));
}

test.concurrent("a planted link does not lead the next job's artifacts out of the project", async () => {
  const outside = lab.path("outside-artifacts");
  mkdirSync(outside);
  writeFileSync(`${outside}/secret`, "secret of somebody else");
  const names = await plantedThenPacked("planted", `ln -s ${outside} out`);
  expect(names.filter((name) => name !== "out")).toEqual([]);
});

test.concurrent("a planted link does not take what the next job downloads", async () => {
  const outside = lab.path("outside-download");
  mkdirSync(outside);
  const packed = await lab.run({
    variables: { GIT_STRATEGY: "empty" },
    script: "mkdir out; echo x > out/file",
    artifacts: [{ ...ARCHIVE, paths: ["out/"] }],
  });
  expectSuccess(packed);
  const variables = { GIT_STRATEGY: "none", GIT_CLONE_PATH: "$CI_BUILDS_DIR/planted-download" };
  expectSuccess(await lab.run({ variables, script: `ln -s ${outside} out` }));
  await lab.run({ variables, dependencies: [packed.job.id], script: "true" });
  expect(filesBelow(outside)).toEqual([]);
});

test.concurrent("a planted link does not take what the next job's cache holds", async () => {
  const outside = lab.path("outside-cache");
  mkdirSync(outside);
  const cache = [{ key: "planted", paths: ["vendor/"], policy: "pull-push" }];
  const variables = { GIT_STRATEGY: "none", GIT_CLONE_PATH: "$CI_BUILDS_DIR/planted-cache" };
  expectSuccess(await lab.run({ variables, cache, script: "mkdir vendor; echo x > vendor/lib" }));
  const plant = `rm -rf vendor; ln -s ${outside} vendor`;
  expectSuccess(await lab.run({ variables, script: plant }));
  await lab.run({ variables, cache, script: "true" });
  expect(filesBelow(outside)).toEqual([]);
});

test.concurrent("file variables are private while the job runs and gone after a cancel", async () => {
  const job = lab.enqueue({
    variables: { SECRET: { value: "file content", file: true } },
    script: ['echo "file=$SECRET."', "while :; do echo tick; sleep 0.2; done"],
  });
  await lab.printed(job, "tick");
  const path = /^file=(.+)\.$/m.exec(await job.trace.text())?.[1] ?? "";
  expect(readFileSync(path, "utf8")).toBe("file content");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  lab.coordinator.cancel(job, "forced");
  await eventually(() => !existsSync(path), "the end of the file variable");
});
