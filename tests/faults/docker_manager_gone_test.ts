/** Managers that run in containers themselves, and go with all that they knew. */

import { describe, expect, test } from "bun:test";

import { DockerLab, missingForDocker } from "../e2e/docker_lab.ts";
import { eventually, expectSuccess, output } from "../e2e/lab.ts";
import { EXECUTABLE } from "../e2e/runner_process.ts";
import { LIMIT } from "./docker_faults.ts";

const missing = missingForDocker();
describe.skipIf(missing !== undefined)(
  missing ? `managers in containers: NOT RUN, ${missing}` : "managers in containers",
  () => {
    test(
      "the next one removes what one has left whose container is gone, and no other's",
      async () => {
        await using docker = await DockerLab.open();
        const command = (...args: readonly string[]) =>
          output(["docker", ...args], { env: { DOCKER_HOST: docker.host } });
        await using managers = new AsyncDisposableStack();
        const start = async () => {
          const socket = docker.host.replace("unix://", "");
          const volumes = [
            `${socket}:${socket}`,
            `${EXECUTABLE}:/usr/bin/gitlab-runner:ro`,
            `${docker.lab.process.configPath}:/etc/gitlab-runner/config.toml:ro`,
          ].flatMap((each) => ["--volume", each]);
          const program = ["gitlab-runner", "run", "--config", "/etc/gitlab-runner/config.toml"];
          const id = await command("run", "--detach", ...volumes, docker.image, ...program);
          managers.defer(async () => void await command("rm", "--force", "--volumes", id));
          return id;
        };
        const running = async () => {
          const job = docker.lab.enqueue({
            script: ["echo begun", "until [ -e /builds/go ]; do sleep 0.1; done"],
            variables: { GIT_STRATEGY: "none" },
          });
          await docker.lab.printed(job, "\nbegun\n");
          return job;
        };
        const containersOf = async ({ id }: { id: number }) =>
          (await command("ps", "-aq", "--filter", `label=com.gitlab.gitlab-runner.job.id=${id}`))
            .split("\n").filter((each) => each !== "");

        const dead = await start();
        const lost = await running();
        await command("rm", "--force", "--volumes", dead);
        expect(await containersOf(lost)).toHaveLength(1);
        const paused = await start();
        await eventually(async () => (await containersOf(lost)).length === 0, "clean-up", 20_000);

        const kept = await running();
        await command("pause", paused);
        // What the next one removes tells that it has looked.
        const left = await command("create", ...orphanLabels(), docker.image, "true");
        await start();
        const isThere = () => command("inspect", left).then(() => true, () => false);
        await eventually(async () => !await isThere(), "another clean-up", 20_000);
        expect(await containersOf(kept)).toHaveLength(1);
        await command("unpause", paused);
        await command("exec", (await containersOf(kept))[0] ?? "", "touch", "/builds/go");
        expectSuccess(await docker.lab.finished(kept));
        await docker.onlyCachesLeft();
      },
      LIMIT,
    );
  },
);

/** Of a job whose manager was in a container that is not there. */
function orphanLabels(): readonly string[] {
  const prefix = "com.gitlab.gitlab-runner";
  return [
    `${prefix}.managed=true`,
    `${prefix}.job.key=${crypto.randomUUID().replaceAll("-", "").slice(0, 16)}`,
    `${prefix}.manager.container=${"0".repeat(64)}`,
    `${prefix}.manager.container_started_at=2026-08-01T10:00:00Z`,
  ].flatMap((label) => ["--label", label]);
}
