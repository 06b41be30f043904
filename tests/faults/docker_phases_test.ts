/** A runner that is killed while a job is at one thing or another, and two runners on one engine. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createServer, type Server } from "node:net";
import type { EmbeddedJob, JobDescriptionInput, JobOutcome } from "../../core/embedded/mod.ts";
import { shortToken } from "../../core/util/token.ts";
import { DockerLab, missingForDocker } from "../e2e/docker_lab.ts";
import { eventually, expectFailure, expectSuccess } from "../e2e/lab.ts";
import { KEEPS_NOTHING, LIMIT, LONG_JOB, SYSTEM_FAILURE } from "./docker_faults.ts";

const missing = missingForDocker();
const NO_SOURCES = { GIT_STRATEGY: "none" };
/** A cancel reaches the runner with the answer to its next piece of log. */
const TALKS = ["echo begun", "while true; do echo .; sleep 0.2; done"];

interface Phase {
  readonly job: JobDescriptionInput;
  /** Resolves when the job is there. */
  readonly reached: (docker: DockerLab, job: EmbeddedJob) => Promise<void>;
}

describe.skipIf(missing !== undefined)(
  missing ? `a runner killed at every phase: NOT RUN, ${missing}` : "a runner killed while it is",
  () => {
    let docker: DockerLab;
    /** A registry that takes every request and answers none. */
    let silent: Server;
    let registry: string;
    let asked = Promise.withResolvers<void>();
    beforeAll(async () => {
      silent = createServer(() => asked.resolve());
      const { promise, resolve } = Promise.withResolvers<void>();
      silent.listen(0, "127.0.0.1", resolve);
      await promise;
      const address = silent.address();
      if (address === null || typeof address === "string") throw new Error("it has no port");
      registry = `127.0.0.1:${address.port}`;
      docker = await DockerLab.open({
        docker: [...KEEPS_NOTHING, 'allowed_pull_policies = ["never", "always"]'],
      });
    }, LIMIT);
    afterAll(async () => {
      await docker?.[Symbol.asyncDispose]();
      silent?.close();
    });

    const printed = (text: string) => async (own: DockerLab, job: EmbeddedJob) =>
      await own.lab.printed(job, text);

    const phases: Readonly<Record<string, () => Phase>> = {
      "pulling an image": () => ({
        job: {
          script: "true",
          image: { name: `${registry}/some/image:1`, pull_policy: ["always"] },
          variables: NO_SOURCES,
        },
        reached: () => asked.promise,
      }),
      "making containers": () => ({
        job: LONG_JOB,
        reached: async (own) => {
          const some = async () => (await own.objects()).containers.length > 0;
          await eventually(some, "a container");
        },
      }),
      "waiting for services": () => ({
        job: {
          ...LONG_JOB,
          services: [{
            name: docker.image,
            entrypoint: ["sleep"],
            command: ["1000"],
            variables: [{ key: "HEALTHCHECK_TCP_PORT", value: "80" }],
          }],
        },
        reached: printed("Waiting for services"),
      }),
      "fetching sources": () => {
        docker.lab.coordinator.inject({ match: { path: "/info/refs$" }, action: { kind: "hang" } });
        return {
          job: { script: "true", repository: docker.lab.repositories.app },
          reached: printed("Getting source from Git repository"),
        };
      },
      "running a script": () => ({ job: LONG_JOB, reached: printed("\nbegun") }),
      "uploading artifacts": () => {
        docker.lab.coordinator.inject({
          match: { method: "POST", path: "/artifacts$" },
          action: { kind: "hang" },
        });
        return {
          job: {
            script: "echo content > file",
            variables: NO_SOURCES,
            artifacts: [{ paths: ["file"], when: "on_success" }],
          },
          reached: printed("Uploading artifacts"),
        };
      },
    };

    test.each(Object.entries(phases))(
      "%s: the job is reported, and nothing is left",
      async (_phase, phaseOf) => {
        const { lab } = docker;
        asked = Promise.withResolvers();
        const phase = phaseOf();
        lab.start();
        const job = lab.enqueue(phase.job);
        await phase.reached(docker, job);
        lab.process.signal("SIGKILL");
        await lab.process.exited();
        expect(job.isOver).toBe(false);
        lab.start();
        const end = await lab.finished(job);
        expectFailure(end, SYSTEM_FAILURE);
        expect(end.plain).toContain("the runner was restarted while the job ran");
        expect(await docker.onlyCachesLeft()).toBe(0);
        expectSuccess(await lab.run({ script: "echo jobs flow", variables: NO_SOURCES }));
        await lab.process.stop();
      },
      LIMIT,
    );

    test("cleaning up: the job keeps its end, and nothing is left", async () => {
      const { lab } = docker;
      lab.start();
      const end = await lab.run({ script: "echo done", variables: NO_SOURCES });
      lab.process.signal("SIGKILL");
      await lab.process.exited();
      expectSuccess(end);
      // The final status goes out before the clean-up, so that there is something to clean.
      expect((await docker.objects()).containers).not.toEqual([]);
      lab.start();
      expect(await docker.onlyCachesLeft()).toBe(0);
      expect(end.job.state).toBe("success");
      await lab.process.stop();
    }, LIMIT);
  },
);

describe.skipIf(missing !== undefined)(
  missing ? `two runners on one engine: NOT RUN, ${missing}` : "two runners on one engine",
  () => {
    test("one that starts removes what the dead left, and nothing of the living", async () => {
      await using living = await DockerLab.open({ docker: KEEPS_NOTHING });
      await using dying = await DockerLab.open({ docker: KEEPS_NOTHING });
      const gate = `/tmp/gate-${crypto.randomUUID()}`;
      living.lab.start();
      const job = living.lab.enqueue({
        ...LONG_JOB,
        script: ["echo begun", `until [ -e ${gate} ]; do sleep 0.1; done`, "echo still here"],
      });
      await living.lab.printed(job, "\nbegun");
      const own = await living.objects();
      dying.lab.start();
      const lost = dying.lab.enqueue(LONG_JOB);
      await dying.lab.printed(lost, "\nbegun");
      expect(await living.objects()).toEqual(own);
      dying.lab.process.signal("SIGKILL");
      await dying.lab.process.exited();
      const started = performance.now();
      dying.lab.start();
      expect(await dying.onlyCachesLeft()).toBe(0);
      expect(performance.now() - started).toBeLessThan(15_000);
      expectFailure(await dying.lab.finished(lost), SYSTEM_FAILURE);
      expect(await living.objects()).toEqual(own);
      const build = own.containers.find((name) => name.endsWith("-build")) ?? "";
      const its = { signal: AbortSignal.timeout(30_000), output: { write: () => undefined } };
      await living.engine.exec(build, { argv: ["touch", gate] }, its);
      const end = await living.lab.finished(job);
      expectSuccess(end);
      expect(end.plain).toContain("\nstill here\n");
      expect(await living.onlyCachesLeft()).toBe(0);
    }, LIMIT);
  },
);

describe.skipIf(missing !== undefined)(
  missing ? `the end of a job: NOT RUN, ${missing}` : "the end of a job",
  () => {
    let docker: DockerLab;
    beforeAll(async () => {
      docker = await DockerLab.open({ docker: KEEPS_NOTHING });
      docker.lab.start();
    }, LIMIT);
    afterAll(async () => await docker?.[Symbol.asyncDispose]());

    /** When the engine removed a container of the job first. Milliseconds since 1970. */
    async function firstRemovalMs(job: EmbeddedJob): Promise<number> {
      const since = (job.times.queued / 1000).toFixed(3);
      const labels = { "runner.id": shortToken(docker.lab.runner.token), "job.id": job.id };
      const filters = Object.entries(labels).flatMap(([name, value]) => [
        "--filter",
        `label=com.gitlab.gitlab-runner.${name}=${value}`,
      ]);
      const removals = () => {
        const args = ["--since", since, "--until", "0s", "--filter", "event=destroy", ...filters];
        const { stdout } = Bun.spawnSync(
          ["docker", "events", ...args, "--format", "{{.TimeNano}}"],
          { env: { ...process.env, DOCKER_HOST: docker.host } },
        );
        return stdout.toString().split("\n").filter((line) => line !== "");
      };
      await eventually(() => removals().length > 0, "the removal of a container");
      return Math.min(...removals().map((time) => Number(time) / 1e6));
    }

    test.each<
      [string, JobDescriptionInput, ((job: EmbeddedJob) => void) | undefined, JobOutcome["state"]]
    >([
      ["success", { script: "echo begun" }, undefined, "success"],
      ["failure", { script: ["echo begun", "exit 3"] }, undefined, "failed"],
      ["timeout", { script: ["echo begun", "sleep 600"], timeout: 2 }, undefined, "failed"],
      [
        "cancel",
        { script: TALKS },
        (job) => docker.lab.coordinator.cancel(job, "graceful"),
        "canceled",
      ],
    ])("%s: the final status goes out before the clean-up", async (_how, more, act, state) => {
      const job = docker.lab.enqueue({ variables: NO_SOURCES, ...more });
      await docker.lab.printed(job, "\nbegun");
      act?.(job);
      const end = await docker.lab.finished(job);
      expect(end.state).toBe(state);
      expect(await docker.onlyCachesLeft()).toBe(0);
      expect(await firstRemovalMs(job)).toBeGreaterThan(job.times.firstFinal ?? Infinity);
    }, LIMIT);

    test("forced cancel: what the job has goes within seconds", async () => {
      const job = docker.lab.enqueue({ ...LONG_JOB, script: TALKS });
      await docker.lab.printed(job, "\nbegun");
      docker.lab.coordinator.cancel(job, "forced");
      const canceled = performance.now();
      expect(await docker.onlyCachesLeft()).toBe(0);
      expect(performance.now() - canceled).toBeLessThan(20_000);
    }, LIMIT);

    test("a runner that is told to stop at once ends its job, and leaves nothing", async () => {
      const job = docker.lab.enqueue(LONG_JOB);
      await docker.lab.printed(job, "\nbegun");
      docker.lab.process.signal("SIGTERM");
      await docker.lab.process.exited();
      expectFailure(await docker.lab.finished(job), "runner_interrupted");
      expect(await docker.objects()).toEqual({ containers: [], volumes: [], networks: [] });
      docker.lab.start();
    }, LIMIT);
  },
);
