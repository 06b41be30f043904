/** Jobs that use more memory than `[runners.docker]` gives them. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { deriveImage } from "../executors/docker/dockerd.ts";
import { DockerLab, missingForDocker } from "./docker_lab.ts";
import { expectFailure, expectSuccess } from "./lab.ts";

const missing = missingForDocker();
const LIMIT = 60_000;
const NO_SOURCES = { GIT_STRATEGY: "none" };

/** Takes all the memory there is. */
const GREEDY = "tail /dev/zero";

const TOLD = "\nERROR: Job failed: exit code 137 (out of memory)\n";

describe.skipIf(missing !== undefined)(
  missing ? `the memory limit: NOT RUN, ${missing}` : "the memory limit",
  () => {
    let docker: DockerLab;
    beforeAll(async () => {
      docker = await DockerLab.open({
        requestConcurrency: 4,
        docker: ['memory = "64m"', 'memory_swap = "64m"'],
      });
      docker.lab.start();
    }, LIMIT);
    afterAll(async () => await docker?.[Symbol.asyncDispose]());

    test.concurrent("a script that meets it fails, and the log says why", async () => {
      const job = await docker.lab.run({
        script: ["echo begun", GREEDY],
        afterScript: "echo after all",
        variables: NO_SOURCES,
      });
      expectFailure(job, "script_failure", 137);
      expect(job.plain).toContain("\nbegun\n");
      expect(job.plain).toContain("\nafter all\n");
      expect(job.plain).toContain(TOLD);
    }, LIMIT);

    test.concurrent("a shell that meets it itself: the same", async () => {
      const job = await docker.lab.run({
        script: ['a=$(head -c 1000000 /dev/zero | tr "\\0" a); while :; do a="$a$a"; done'],
        variables: NO_SOURCES,
      });
      expectFailure(job, "script_failure", 137);
      expect(job.plain).toContain(TOLD);
    }, LIMIT);

    test.concurrent("in an image with an entrypoint: the same", async () => {
      await using entered = await deriveImage(docker.host, docker.image, [
        `ENTRYPOINT ["sh", "-c", "exec \\"$@\\"", "entrypoint"]`,
      ]);
      const job = await docker.lab.run({
        image: { name: entered.name },
        script: [GREEDY],
        variables: NO_SOURCES,
      });
      expectFailure(job, "script_failure", 137);
      expect(job.plain).toContain(TOLD);
    }, LIMIT);

    test.concurrent("a script that goes on without the killed process succeeds", async () => {
      const job = await docker.lab.run({
        script: [`${GREEDY} || echo killed with $?`],
        variables: NO_SOURCES,
      });
      expectSuccess(job);
      expect(job.plain).toContain("\nkilled with 137\n");
    }, LIMIT);

    test.concurrent("137 of its own is no lack of memory", async () => {
      const job = await docker.lab.run({ script: ["exit 137"], variables: NO_SOURCES });
      expectFailure(job, "script_failure", 137);
      expect(job.plain).toContain("\nERROR: Job failed: exit code 137\n");
    }, LIMIT);
  },
);
