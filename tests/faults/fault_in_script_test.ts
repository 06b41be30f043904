/** What the end of a job still does when its script met a fault of the environment, per executor. */

import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import type { EmbeddedJob, JobDescriptionInput } from "../../core/embedded/mod.ts";
import { DockerLab, missingForDocker } from "../e2e/docker_lab.ts";
import { useCustom } from "../e2e/custom_lab.ts";
import { expectFailure, type FinishedJob, Lab, output, zipNames } from "../e2e/lab.ts";
import { NOTICED_MS, openSshLab } from "../e2e/ssh_lab.ts";
import { EXECUTABLE } from "../e2e/runner_process.ts";
import { openLink } from "../fixtures/frozen_link.ts";
import { missingForSshd, startSshd } from "../fixtures/sshd.ts";
import { makeImage, startEngine } from "../executors/docker/dockerd.ts";

const LIMIT = 90_000;
const SYSTEM_FAILURE = "runner_system_failure";

/** Everything that a job's end may do, with a file that is there before the script. */
function description(lab: Lab, script: readonly string[]): JobDescriptionInput {
  return {
    repository: lab.repositories.app,
    script: [...script],
    afterScript: ["echo after: $CI_JOB_STATUS"],
    cache: [{ key: "k", paths: ["README.md"], policy: "push", when: "always" }],
    artifacts: [{ name: "default", paths: ["README.md"], when: "always" }],
  };
}

/** The stages of a failed job's end, all of which did their work; the first failure is the job's. */
async function expectWholeEnd(lab: Lab, end: FinishedJob, failure: RegExp): Promise<void> {
  expectFailure(end, SYSTEM_FAILURE);
  expect(end.plain).toMatch(
    /\nRunning after_script\n(.+\n)*after: failed\n(.+\n)*Saving cache for failed job\n(.+\n)*Created cache\n(.+\n)*Uploading artifacts for failed job\n/,
  );
  expect(end.plain).not.toContain("WARNING: after_script failed");
  expect(await zipNames(lab.artifact(end.job))).toEqual(["README.md"]);
  expect(end.plain.match(/^ERROR: .*$/gm)?.at(-1)).toMatch(failure);
}

/** The stages of a failed job's end were begun, and each was told of that it could not be. */
function expectNoEnd(end: FinishedJob): void {
  expectFailure(end, SYSTEM_FAILURE);
  for (
    const words of [
      "WARNING: after_script failed, but job will continue unaffected: ",
      "WARNING: Saving cache for failed job failed: ",
      "WARNING: Uploading artifacts for failed job failed: ",
    ]
  ) expect(end.plain).toContain(words);
}

async function begun(lab: Lab, more: JobDescriptionInput): Promise<EmbeddedJob> {
  const job = lab.enqueue(more);
  await lab.printed(job, "\nbegun\n");
  return job;
}

const BEGUN = ["echo begun", "sleep 600"];

test.skipIf(process.getuid?.() !== 0)(
  "shell: a script that cannot be written (needs root)",
  async () => {
    await using lab = await Lab.open();
    // Scripts are kept beside config.toml until they are read.
    const disk = lab.path("small");
    await output(["mkdir", disk]);
    await output(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk]);
    try {
      await output(["cp", "-p", lab.process.configPath, disk]);
      lab.start(["--config", `${disk}/config.toml`]);
      const end = await lab.run(description(lab, [`: ${"x".repeat(2 << 20)}`]));
      await expectWholeEnd(lab, end, /\(system failure\): Cannot write the script of step_script/);
    } finally {
      await output(["umount", "-l", disk]);
    }
  },
  LIMIT,
);

test("custom: a driver that says system failure", async () => {
  await using lab = await Lab.open();
  const driver = (name: string, ...lines: readonly string[]) => {
    const path = lab.path(name);
    writeFileSync(path, ["#!/bin/bash", ...lines, ""].join("\n"), { mode: 0o755 });
    return path;
  };
  const run = driver(
    "run",
    '[ "$2" = build_script ] && exit $SYSTEM_FAILURE_EXIT_CODE',
    `PATH=${lab.path(".")}:$PATH bash < "$1"`,
  );
  driver("gitlab-runner", `exec ${EXECUTABLE} "$@"`);
  useCustom(lab, [`run_exec = "${run}"`]);
  const end = await lab.start().run(description(lab, ["true"]));
  await expectWholeEnd(lab, end, /\(system failure\): exit status 2$/);
}, LIMIT);

const noDocker = missingForDocker();

describe.skipIf(noDocker !== undefined)(
  noDocker ? `docker: NOT RUN, ${noDocker}` : "docker",
  () => {
    test("a container that is removed", async () => {
      await using docker = await DockerLab.open();
      const { lab } = docker;
      lab.start();
      const job = await begun(lab, description(lab, BEGUN));
      const { containers } = await docker.objects();
      const name = containers.find((each) => each.endsWith("-build")) ?? "";
      await output(["docker", "rm", "--force", name], { env: { DOCKER_HOST: docker.host } });
      await expectWholeEnd(
        lab,
        await lab.finished(job),
        /\(system failure\): Container \S+-build was stopped or removed while a stage ran in it$/,
      );
    }, LIMIT);

    test("an engine behind a network that is gone", async () => {
      await using engine = await startEngine();
      await using link = await openLink(engine.host.replace("unix://", ""));
      const image = await makeImage("git.sh", engine.host);
      await using lab = await Lab.open({
        entry: [
          'executor = "docker"',
          "[runners.docker]",
          `host = "tcp://127.0.0.1:${link.port}"`,
          `image = "${image}"`,
          `helper_image = "${image}"`,
          'pull_policy = "never"',
        ],
      });
      lab.start();
      const { repository: _, ...rest } = description(lab, BEGUN);
      const job = await begun(lab, { ...rest, variables: { GIT_STRATEGY: "none" } });
      const started = performance.now();
      link.cut();
      const end = await lab.finished(job);
      expect(performance.now() - started).toBeLessThan(40_000);
      expectNoEnd(end);
    }, LIMIT);
  },
);

const noSshd = missingForSshd();

describe.skipIf(noSshd !== undefined)(noSshd ? `ssh: NOT RUN, ${noSshd}` : "ssh", () => {
  test("a connection that breaks", async () => {
    await using sshd = await startSshd();
    await using lab = (await openSshLab(sshd)).start();
    const job = await begun(lab, description(lab, BEGUN));
    for (const session of sshd.sessions()) process.kill(session, "SIGKILL");
    await expectWholeEnd(
      lab,
      await lab.finished(job),
      /\(system failure\): Lost the SSH connection to /,
    );
  }, LIMIT);

  test("a target behind a network that is gone", async () => {
    await using sshd = await startSshd();
    await using link = await openLink(sshd.port);
    writeFileSync(sshd.knownHosts, `[127.0.0.1]:${link.port} ${sshd.publicKeys[0]}\n`);
    await using lab = (await openSshLab({ ...sshd, port: link.port })).start();
    const job = await begun(lab, description(lab, BEGUN));
    const started = performance.now();
    link.freeze();
    const end = await lab.finished(job);
    // One more try of ten seconds, for all that is left to do.
    expect(performance.now() - started).toBeLessThan(NOTICED_MS + 10_000);
    expectNoEnd(end);
  }, LIMIT);
});
