/** Many jobs in containers at once, and what they leave. */

import { describe, expect, test } from "bun:test";
import { DockerLab, missingForDocker } from "./docker_lab.ts";
import { expectSuccess } from "./lab.ts";

const missing = missingForDocker();
const JOBS = 50;
const AT_ONCE = 10;

describe.skipIf(missing !== undefined)(
  missing ? `many jobs in containers: NOT RUN, ${missing}` : "many jobs in containers",
  () => {
    test("50 jobs, 10 at once: all succeed, and only named caches are left", async () => {
      await using docker = await DockerLab.open({
        requestConcurrency: AT_ONCE,
        globals: [`concurrent = ${AT_ONCE}`],
        docker: ['volumes = ["/cache"]'],
      });
      const { lab } = docker;
      const { path, sha } = lab.repositories.app;
      lab.start();
      const jobs = Array.from({ length: JOBS }, (_, index) =>
        lab.enqueue({
          script: ["cat README.md", `echo ${index} > /cache/last`],
          repository: { path, sha },
          variables: index % 2 === 0 ? {} : { FF_NETWORK_PER_BUILD: "true" },
        }));
      for (const job of jobs) expectSuccess(await lab.finished(job));
      // A checkout and a cache for each of the project's slots.
      expect(await docker.onlyCachesLeft()).toBeLessThanOrEqual(2 * AT_ONCE);
    }, 300_000);
  },
);
