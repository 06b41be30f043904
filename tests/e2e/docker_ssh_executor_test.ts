/** The docker-ssh executor of the compiled executable: jobs log in to the server in their image. */

import { describe, expect, test } from "bun:test";
import { uniqueNap } from "../../core/plugin/check/bench.ts";
import { isRunning } from "../conformance/executor_suite.ts";
import { makeImage, useEngine } from "../executors/docker/dockerd.ts";
import { missingForSshd } from "../fixtures/sshd.ts";
import { DockerLab, type DockerLabOptions, missingForDocker } from "./docker_lab.ts";
import { NOTICED_MS } from "./ssh_lab.ts";
import { eventually, expectFailure, expectSuccess, zipNames } from "./lab.ts";

const missing = missingForDocker() ?? missingForSshd();

if (missing === undefined) describe("docker-ssh executor", suite);
else test.skip(`docker-ssh executor: NOT RUN, ${missing}`, () => {});

function suite(): void {
  test("runs a job from its sources to its artifacts inside its image", async () => {
    await using docker = await openLab({
      entry: ['cache_dir = "/cache"'],
      docker: ['volumes = ["/cache"]'],
    });
    const { lab } = docker;
    lab.start();
    const { app } = lab.repositories;
    const job = {
      repository: { path: app.path, sha: app.sha },
      script: [
        "cat README.md; pwd; id -un",
        'test -n "$SSH_CONNECTION"',
        "shopt -q login_shell && echo a login shell",
        "mkdir -p kept; date > kept/now",
      ],
      cache: [{ key: "k", paths: ["kept/"], policy: "pull-push", when: "on_success" }],
      artifacts: [{ artifact_type: "archive", artifact_format: "zip", paths: ["README.md"] }],
    };
    const first = await lab.run(job);
    expectSuccess(first);
    expect(first.plain).toContain("Using Docker executor with image runner-test/sshd");
    expect(first.plain).not.toContain("Using SSH executor");
    expect(first.plain).toContain("WARNING: The executor docker-ssh is deprecated");
    expect(first.plain).toMatch(/^\/root\/builds\/.*\/app$/m);
    expect(first.lines).toContain("a login shell");
    expect(await zipNames(lab.artifact(first.job))).toEqual(["README.md"]);
    const second = await lab.run(job);
    expectSuccess(second);
    expect(second.plain).toContain("Successfully extracted cache");
    const failed = await lab.run({ script: ["exit 7"] });
    expectFailure(failed, "script_failure", 7);
    expect(failed.lines).toContain("ERROR: Job failed: Process exited with status 7");
    await docker.onlyCachesLeft();
    lab.expectNoFindings();
  }, 120_000);

  test("a service is found by its name, and waited for", async () => {
    await using docker = await openLab();
    const { lab } = docker;
    lab.start();
    expectSuccess(
      await lab.run({
        services: [{
          name: docker.image,
          alias: "web",
          entrypoint: ["sh", "-c"],
          command: ["mkdir /w; echo hello > /w/index.html; exec httpd -f -p 80 -h /w"],
        }],
        script: ["for i in 1 2 3 4 5; do wget -qO- http://web/ && exit 0; sleep 1; done; exit 1"],
      }),
    );
    await docker.onlyCachesLeft();
  }, 60_000);

  test("a canceled job, and one whose runner is killed, leave nothing", async () => {
    await using docker = await openLab();
    const { lab } = docker;
    lab.start();
    for (const end of ["cancel", "kill"]) {
      const naps = [uniqueNap(), uniqueNap()];
      const job = lab.enqueue({ script: [`setsid sleep ${naps[0]} & sleep ${naps[1]}`] });
      await eventually(() => naps.every(isRunning), "the script runs", 30_000);
      if (end === "cancel") {
        job.cancel("graceful");
        expect((await lab.finished(job)).state).toBe("canceled");
      } else {
        lab.process.signal("SIGKILL");
        await lab.process.exited();
        lab.start();
        expectFailure(await lab.finished(job), "runner_system_failure");
      }
      await eventually(() => !naps.some(isRunning), "the script is ended");
      await docker.onlyCachesLeft();
    }
  }, 90_000);

  test("a job whose container is killed is a system failure within seconds", async () => {
    await using docker = await openLab();
    const { lab } = docker;
    lab.start();
    const nap = uniqueNap();
    const job = lab.enqueue({ script: [`sleep ${nap}`] });
    await eventually(() => isRunning(nap), "the script runs", 30_000);
    const { containers } = await docker.objects();
    const container = containers.find((name) => name.endsWith("-build")) ?? containers.join();
    const env = { ...process.env, DOCKER_HOST: docker.host };
    expect(Bun.spawnSync(["docker", "kill", container], { env }).exitCode).toBe(0);
    const started = performance.now();
    const finished = await lab.finished(job);
    expect(performance.now() - started).toBeLessThan(NOTICED_MS);
    expectFailure(finished, "runner_system_failure");
    expect(finished.plain).toMatch(/Lost the SSH connection|The job's container ended with 137/);
    await docker.onlyCachesLeft();
  }, 120_000);

  test("an image without a server fails the job and says so", async () => {
    await using docker = await openLab();
    const { lab } = docker;
    lab.start();
    const job = await lab.run({ image: { name: docker.image }, script: ["true"] });
    expectFailure(job, "runner_system_failure");
    expect(job.plain).toContain("its image has to run an SSH server");
    await docker.onlyCachesLeft();
  }, 60_000);

  test("a wrong password is said without it", async () => {
    await using docker = await openLab({ ssh: ['password = "not-the-one"'] });
    const { lab } = docker;
    lab.start();
    const job = await lab.run({ script: ["true"] });
    expectFailure(job, "runner_system_failure");
    expect(job.plain).toContain("the server refuses the login (tried: password)");
    expect(job.plain + lab.process.log).not.toContain("not-the-one");
  }, 60_000);
}

interface LabParts extends DockerLabOptions {
  /** TOML lines of `[runners.ssh]`. */
  readonly ssh?: readonly string[];
}

async function openLab(
  { ssh = ['password = "in-the-image"'], ...options }: LabParts = {},
): Promise<DockerLab> {
  await using engine = await useEngine("machine");
  const image = await makeImage("sshd.sh", engine.host);
  return await DockerLab.open({
    ...options,
    executor: "docker-ssh",
    docker: [
      `image = "${image}"`,
      `allowed_images = ["runner-test/**"]`,
      ...options.docker ?? [],
      "[runners.ssh]",
      'user = "root"',
      ...ssh,
    ],
  });
}
