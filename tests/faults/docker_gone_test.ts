/** Containers that somebody takes away from a job, in its stages and between them. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import type { EmbeddedJob, JobDescriptionInput } from "../../core/embedded/mod.ts";
import { DockerLab, missingForDocker } from "../e2e/docker_lab.ts";
import { eventually, expectFailure, expectSuccess, output } from "../e2e/lab.ts";
import { deriveImage } from "../executors/docker/dockerd.ts";
import { LIMIT, SYSTEM_FAILURE } from "./docker_faults.ts";

const missing = missingForDocker();
describe.skipIf(missing !== undefined)(
  missing ? `containers that go: NOT RUN, ${missing}` : "containers that go",
  () => {
    let docker: DockerLab;
    beforeAll(async () => {
      docker = await DockerLab.open({ requestConcurrency: 8 });
      docker.lab.start();
    }, LIMIT);
    afterAll(async () => await docker?.[Symbol.asyncDispose]());

    const command = (...args: readonly string[]) =>
      output(["docker", ...args], { env: { DOCKER_HOST: docker.host } });

    /** The container of a kind that this job has now. */
    const containerOf = async (job: EmbeddedJob, suffix: string): Promise<string> => {
      const label = `label=com.gitlab.gitlab-runner.job.id=${job.id}`;
      const names = await command("ps", "-a", "--filter", label, "--format", "{{.Names}}");
      const found = names.split("\n").find((name) => name.endsWith(suffix));
      if (found === undefined) throw new Error(`there is no container ${suffix} in: ${names}`);
      return found;
    };

    /** Ends a container once the job has printed a line in it. */
    const begunThen = async (
      more: JobDescriptionInput,
      ...remove: readonly string[]
    ): Promise<EmbeddedJob> => {
      const job = docker.lab.enqueue(more);
      await docker.lab.printed(job, "\nbegun 1\n");
      await command(...remove, await containerOf(job, "-build"));
      return job;
    };

    /** Counts its starts beside the containers, and waits to be ended in the first one. */
    const counting = (last: string): JobDescriptionInput => ({
      script: [
        "n=$(($(cat ../n 2>/dev/null || echo 0) + 1)); echo $n > ../n; echo begun $n",
        `[ $n -ge ${last} ] || sleep 600`,
        "echo done in the start $n",
      ],
      afterScript: ["echo after all"],
      variables: { GIT_STRATEGY: "none", EXECUTOR_JOB_SECTION_ATTEMPTS: "2" },
    });

    test.concurrent.each(["rm --force", "kill"])(
      "EXECUTOR_JOB_SECTION_ATTEMPTS: after docker %s the stage is run in a new container",
      async (remove) => {
        const job = await begunThen(counting("2"), ...remove.split(" "));
        const end = await docker.lab.finished(job);
        expectSuccess(end);
        expect(end.plain).toMatch(
          /\nERROR: Container "[0-9a-f]{64}" not found or removed\. Will retry\.\.\.\nRetrying step_script\n/,
        );
        expect(end.plain).toContain("\ndone in the start 2\n");
        expect(end.plain).toContain("\nafter all\n");
        expect(end.plain.match(/Executing "step_script" stage/g)).toHaveLength(1);
        expect(end.plain.match(/Will retry/g)).toHaveLength(1);
      },
      LIMIT,
    );

    test.concurrent("EXECUTOR_JOB_SECTION_ATTEMPTS: no more often than it says", async () => {
      const job = await begunThen(counting("3"), "rm", "--force");
      await docker.lab.printed(job, "\nbegun 2\n");
      await command("rm", "--force", await containerOf(job, "-build"));
      const end = await docker.lab.finished(job);
      expectFailure(end, SYSTEM_FAILURE);
      expect(end.plain).toMatch(
        /\nERROR: Execution attempts exceeded\n(.+\n)*ERROR: Job failed \(system failure\): Container runner-\S+-build was stopped or removed while a stage ran in it\n/,
      );
      expect(end.plain.match(/Will retry/g)).toHaveLength(1);
    }, LIMIT);

    test.concurrent("an image with an entrypoint: the same", async () => {
      await using entered = await deriveImage(docker.host, docker.image, [
        `ENTRYPOINT ["sh", "-c", "exec \\"$@\\"", "entrypoint"]`,
      ]);
      const job = await begunThen(
        { ...counting("2"), image: { name: entered.name } },
        "rm",
        "--force",
      );
      const end = await docker.lab.finished(job);
      expectSuccess(end);
      expect(end.plain).toContain("\nRetrying step_script\n");
      expect(end.plain).toContain("\ndone in the start 2\n");
    }, LIMIT);

    test.concurrent("the helper's, too", async () => {
      const job = docker.lab.enqueue({
        script: ["echo kept > file", "echo begun 1", "until [ -e /builds/go ]; do sleep 0.1; done"],
        cache: [{ key: "gone", paths: ["file"], policy: "push", when: "on_success" }],
        variables: { GIT_STRATEGY: "none", EXECUTOR_JOB_SECTION_ATTEMPTS: "2" },
        afterScript: ["echo still here"],
      });
      await docker.lab.printed(job, "\nbegun 1\n");
      await command("rm", "--force", await containerOf(job, "-predefined"));
      await command("exec", await containerOf(job, "-build"), "touch", "/builds/go");
      const end = await docker.lab.finished(job);
      expectSuccess(end);
      expect(end.plain).toContain("Created cache");
    }, LIMIT);

    test.concurrent(
      "what is pruned before its first start is made anew, and nothing said",
      async () => {
        await using entered = await deriveImage(docker.host, docker.image, [
          `ENTRYPOINT ["sh", "-c", "exec \\"$@\\"", "entrypoint"]`,
        ]);
        // Its container is there while the service is waited for.
        const job = docker.lab.enqueue({
          image: { name: entered.name },
          script: ["echo begun 1"],
          services: [{
            name: docker.image,
            entrypoint: ["sh", "-c"],
            command: ["until [ -e /builds/go ]; do sleep 0.1; done; nc -l -p 8080"],
            variables: [{ key: "HEALTHCHECK_TCP_PORT", value: "8080" }],
          }],
          variables: { GIT_STRATEGY: "none" },
        });
        await docker.lab.printed(job, "Waiting for services");
        await command("rm", await containerOf(job, "-build"));
        await command("exec", await containerOf(job, "-predefined"), "touch", "/builds/go");
        const end = await docker.lab.finished(job);
        expectSuccess(end);
        expect(end.plain).toContain("\nbegun 1\n");
        expect(end.plain).not.toContain("Will retry");
      },
      LIMIT,
    );

    test.concurrent("nothing of it stays in the engine", async () => {
      const job = await begunThen(counting("2"), "rm", "--force");
      expectSuccess(await docker.lab.finished(job));
      const label = `label=com.gitlab.gitlab-runner.job.id=${job.id}`;
      const left = () => command("ps", "-aq", "--filter", label);
      await eventually(async () => await left() === "", "the end of clean-up", 30_000);
    }, LIMIT);
  },
);
