/** What a job in a container must not reach, however it tries. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { JobDescriptionInput } from "../../core/embedded/mod.ts";
import { DockerLab, missingForDocker } from "./docker_lab.ts";
import { expectFailure, expectSuccess, type FinishedJob } from "./lab.ts";

const missing = missingForDocker();
const LIMIT = 60_000;
const NO_SOURCES = { GIT_STRATEGY: "none" };
const CANARY = "canary-of-the-host";

describe.skipIf(missing !== undefined)(
  missing ? `a hostile job: NOT RUN, ${missing}` : "a hostile job",
  () => {
    let docker: DockerLab;
    /** Something on this machine that jobs know the path of. */
    let host: string;
    beforeAll(async () => {
      host = mkdtempSync(join(tmpdir(), "runner-host-"));
      writeFileSync(join(host, "secret"), `${CANARY}\n`);
      docker = await DockerLab.open({
        docker: ['volumes = ["/cache"]'],
        env: { RUNNER_SIDE_SECRET: CANARY },
      });
      docker.lab.start();
    }, LIMIT);
    afterAll(async () => {
      await docker?.[Symbol.asyncDispose]();
      rmSync(host, { recursive: true, force: true });
    });

    const run = (script: string | string[], more: JobDescriptionInput = { script: "" }) => {
      const { path, sha } = docker.lab.repositories.app;
      const repository = { path, sha };
      return docker.lab.run({ repository, ...more, script });
    };
    /** Fails the job if a command succeeds that must not. */
    const unless = (command: string) => `if ${command}; then exit 7; fi`;
    /** Nothing of this machine has come into the log, and nothing of the job onto the machine. */
    const expectHostUntouched = (job: FinishedJob) => {
      expect(job.plain).not.toContain(CANARY);
      expect(readdirSync(host)).toEqual(["secret"]);
    };

    test("mounts nothing, sees no disk of the host and no socket of the engine", async () => {
      const job = await run([
        "mkdir -p /mnt/x",
        unless("mount -t tmpfs tmpfs /mnt/x"),
        unless("mount --bind / /mnt/x"),
        unless("ls /var/run/docker.sock"),
        unless("ls /dev/sd? || ls /dev/vd? || ls /dev/nvme?"),
        unless(`cat ${host}/secret`),
        unless(`cat /proc/1/root${host}/secret`),
      ]);
      expectSuccess(job);
      expectHostUntouched(job);
    }, LIMIT);

    test("sees nothing of the runner's environment, in no container", async () => {
      const job = await run(["env", "cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n'"]);
      expectSuccess(job);
      expectHostUntouched(job);
      expect(job.plain).not.toContain("RUNNER_SIDE_SECRET");
      expect(job.plain).not.toContain(docker.lab.process.dir);
    }, LIMIT);

    test(
      "links in the checkout lead the helper's stages to the container's own files",
      async () => {
        const plant = await run([
          `ln -s ${host} out`,
          `rm -rf .git/hooks src; ln -s ${host} .git/hooks; ln -s ${host} src`,
        ]);
        expectSuccess(plant);
        const next = await run("cat README.md src/a.txt; git status --porcelain");
        expectSuccess(next);
        expectHostUntouched(next);
      },
      LIMIT,
    );

    test(
      "links in cache and artifacts are kept as links, and written through by nobody",
      async () => {
        const archives = {
          cache: [{ key: "links", paths: ["made/"], policy: "pull-push", when: "on_success" }],
          artifacts: [{ paths: ["made/"], when: "on_success" }],
        };
        const plant = await run([`mkdir -p made; ln -s ${host} made/out; ln -s /etc made/etc`], {
          ...archives,
          script: "",
        });
        expectSuccess(plant);
        const next = await run([unless("ls made/out/secret"), "ls made/etc/passwd"], {
          cache: archives.cache,
          dependencies: [plant.job.id],
          script: "",
        });
        expectSuccess(next);
        expectHostUntouched(next);
      },
      LIMIT,
    );

    test("a replaced builds or cache directory is none of the host's", async () => {
      const job = await run([
        `cd /; rm -rf /builds/* /cache/* || true; ln -s ${host} /cache/link`,
        `echo written > /cache/link/secret || true`,
      ]);
      expectHostUntouched(job);
      expect(await Bun.file(join(host, "secret")).text()).toBe(`${CANARY}\n`);
      const next = await run([unless("ls /cache/link/"), "cat README.md"]);
      expectSuccess(next);
    }, LIMIT);

    test("reads no volume of another project", async () => {
      expectSuccess(await run(`echo ${CANARY} > /cache/mine; echo ${CANARY} > /builds/mine`));
      const other = await docker.lab.run({
        script: ["ls -A /cache /builds", "cat /cache/mine /builds/mine"],
        variables: NO_SOURCES,
        payload: { job_info: { name: "job", stage: "test", project_id: 4712 } },
      });
      expectFailure(other, "script_failure", 1);
      expect(other.plain).not.toContain(CANARY);
    }, LIMIT);

    test("cannot end the helper, or change what it runs", async () => {
      const job = await run([
        "kill -9 -1 2>/dev/null || true",
      ], {
        script: "",
        artifacts: [{ paths: ["README.md"], when: "always" }],
      });
      expect(job.state).toBe("failed");
      const next = await run([unless("ls /opt/gitlab-runner-helper"), "echo safe"], {
        artifacts: [{ paths: ["README.md"], when: "on_success" }],
        script: "",
      });
      expectSuccess(next);
      expect(existsSync(docker.lab.artifact(next.job))).toBe(true);
    }, LIMIT);
  },
);
