/** What happens to jobs in containers when something of theirs is killed, removed or full. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import type { JobDescriptionInput } from "../../core/embedded/mod.ts";
import { DockerLab, missingForDocker } from "../e2e/docker_lab.ts";
import { eventually, expectFailure, expectSuccess } from "../e2e/lab.ts";
import { Faults, KEEPS_NOTHING, LIMIT, LONG_JOB, SYSTEM_FAILURE } from "./docker_faults.ts";

const missing = missingForDocker();
describe.skipIf(missing !== undefined)(
  missing ? `faults of the engine: NOT RUN, ${missing}` : "faults of the engine",
  () => {
    let faults: Faults;
    beforeAll(async () => {
      faults = await Faults.open();
    }, LIMIT);
    afterAll(async () => await faults?.[Symbol.asyncDispose]());

    test(
      "a runner that is killed: its job is reported and its containers go at the next start",
      async () => {
        const { lab } = faults.docker;
        const job = await faults.begun();
        lab.process.signal("SIGKILL");
        await lab.process.exited();
        expect((await faults.docker.objects()).containers).not.toEqual([]);
        lab.start();
        await faults.expectNothingLeft();
        const end = await lab.finished(job);
        expectFailure(end, SYSTEM_FAILURE);
        expect(end.plain).toContain("the runner was restarted while the job ran");
        await faults.expectJobsFlow();
      },
      LIMIT,
    );

    test("a killed container is a fault of the system, told within seconds", async () => {
      const job = await faults.begun();
      faults.command("kill", await faults.container("-build"));
      const killed = performance.now();
      const end = await faults.docker.lab.finished(job);
      expect(performance.now() - killed).toBeLessThan(10_000);
      expectFailure(end, SYSTEM_FAILURE);
      expect(end.plain).toMatch(
        /Container runner-\S+-build was stopped or removed while a stage ran in it/,
      );
      await faults.expectNothingLeft();
      await faults.expectJobsFlow();
    }, LIMIT);

    test("a removed container is a fault of the system", async () => {
      const job = await faults.begun();
      faults.command("rm", "--force", await faults.container("-build"));
      expectFailure(await faults.docker.lab.finished(job), SYSTEM_FAILURE);
      await faults.expectNothingLeft();
      await faults.expectJobsFlow();
    }, LIMIT);

    test("a network that is taken away leaves the job its end, and nothing behind", async () => {
      const job = await faults.begun({
        ...LONG_JOB,
        script: ["echo begun", "sleep 3", "echo still here"],
      });
      const { networks } = await faults.docker.objects();
      expect(networks).toHaveLength(1);
      const network = networks[0] ?? "";
      for (const name of (await faults.docker.objects()).containers) {
        if (name.endsWith("-build")) {
          faults.command("network", "disconnect", "--force", network, name);
        }
      }
      const end = await faults.docker.lab.finished(job);
      expectSuccess(end);
      expect(end.plain).toContain("still here");
      await faults.expectNothingLeft();
    }, LIMIT);

    test(
      "an engine that is killed: the job fails at once, none is taken until it is back",
      async () => {
        const { lab } = faults.docker;
        const job = await faults.begun();
        await faults.engine.kill();
        const killed = performance.now();
        const end = await lab.finished(job);
        expect(performance.now() - killed).toBeLessThan(10_000);
        expectFailure(end, SYSTEM_FAILURE);
        const told = (words: string) => () => lab.process.log.includes(words);
        await eventually(told("No jobs are taken"), "a word in the runner's log");
        await eventually(told("stays until the engine lets it be removed"), "a word of leftovers");
        const next = lab.enqueue({ script: "echo after", variables: { GIT_STRATEGY: "none" } });
        await Bun.sleep(1500);
        expect(next.state).toBe("pending");
        await faults.engine.restart();
        expectSuccess(await lab.finished(next));
        await faults.expectNothingLeft();
      },
      LIMIT,
    );

    test(
      "an engine that is gone when a job comes: it fails within seconds, and the runner goes on",
      async () => {
        // The request that hands it out is open when the engine goes.
        await using own = await Faults.open({ lab: { coordinator: { longPollMs: 60_000 } } });
        const { lab } = own.docker;
        const { bell } = lab.runner;
        const { wait } = bell;
        let open = 0;
        bell.wait = (...args) => {
          open++;
          return wait.apply(bell, args).finally(() => open--);
        };
        await own.expectJobsFlow();
        await eventually(() => open > 0, "an open request");
        await own.engine.kill();
        const handedOut = performance.now();
        const end = await lab.run({ script: "true", variables: { GIT_STRATEGY: "none" } });
        expect(performance.now() - handedOut).toBeLessThan(10_000);
        expectFailure(end, SYSTEM_FAILURE);
        expect(end.plain).toMatch(
          /ERROR: Job failed \(system failure\): .*Cannot reach the Docker Engine/,
        );
        const next = lab.enqueue({ script: "echo after", variables: { GIT_STRATEGY: "none" } });
        await own.engine.restart();
        expectSuccess(await lab.finished(next));
        await own.expectNothingLeft();
      },
      LIMIT,
    );

    test("an engine that dies while a job is prepared: it fails within seconds", async () => {
      await using own = await Faults.open();
      const { lab } = own.docker;
      const job = lab.enqueue({
        ...LONG_JOB,
        services: [{
          name: own.docker.image,
          entrypoint: ["sleep"],
          command: ["1000"],
          variables: [{ key: "HEALTHCHECK_TCP_PORT", value: "80" }],
        }],
      });
      await lab.printed(job, "Waiting for services");
      await own.engine.kill();
      const killed = performance.now();
      const end = await lab.finished(job);
      expect(performance.now() - killed).toBeLessThan(15_000);
      expectFailure(end, SYSTEM_FAILURE);
      expect(end.plain).toMatch(
        /\nERROR: Job failed \(system failure\): Cannot reach the Docker Engine at .* check that the engine is running\n/,
      );
      expect(end.plain).not.toContain("probably didn't start");
      await own.engine.restart();
      await own.expectNothingLeft();
      await own.expectJobsFlow();
    }, LIMIT);

    test(
      "a runner and its engine are killed: the job is reported while the engine is away",
      async () => {
        await using own = await Faults.open();
        const { lab } = own.docker;
        const job = await own.begun();
        lab.process.signal("SIGKILL");
        await lab.process.exited();
        await own.engine.kill();
        lab.start();
        expectFailure(await lab.finished(job), SYSTEM_FAILURE);
        await own.engine.restart();
        await own.expectNothingLeft();
        await own.expectJobsFlow();
      },
      LIMIT,
    );
  },
);

describe.skipIf(missing !== undefined)(
  missing ? `a helper volume that is half full: NOT RUN, ${missing}` : "a helper volume",
  () => {
    /** The helper's work is to keep a cache. */
    const HELPED: JobDescriptionInput = {
      script: "echo kept > file",
      variables: { GIT_STRATEGY: "none" },
      cache: [{ key: "k", paths: ["file"], policy: "push", when: "on_success" }],
    };

    /** A runner that was killed while it brought its executable into a new engine. */
    const interrupted = async () => {
      const faults = await Faults.open();
      const { lab } = faults.docker;
      const job = lab.enqueue(HELPED);
      while (faults.fillers() === "") await Bun.sleep(5);
      lab.process.signal("SIGKILL");
      await lab.process.exited();
      expect(faults.fillers()).not.toBe("");
      return { faults, job };
    };

    test("whose runner was killed is filled by the next job within seconds", async () => {
      const { faults, job } = await interrupted();
      await using _ = faults;
      const { lab } = faults.docker;
      lab.start();
      const started = performance.now();
      const next = await lab.run(HELPED);
      expectSuccess(next);
      expect(next.plain).toContain("Created cache");
      expect(performance.now() - started).toBeLessThan(15_000);
      expectFailure(await lab.finished(job), SYSTEM_FAILURE);
      expect(faults.fillers()).toBe("");
    }, LIMIT);

    test("of another runner that was killed is taken over too", async () => {
      const { faults } = await interrupted();
      await using _ = faults;
      await using other = await DockerLab.open({ engine: faults.engine, docker: KEEPS_NOTHING });
      other.lab.start();
      const started = performance.now();
      expectSuccess(await other.lab.run(HELPED));
      expect(performance.now() - started).toBeLessThan(15_000);
      expect(faults.fillers()).toBe("");
    }, LIMIT);

    test("whose filling container was pruned is filled by the next job", async () => {
      const { faults } = await interrupted();
      await using _ = faults;
      faults.command("container", "prune", "--force");
      expect(faults.fillers()).toBe("");
      faults.docker.lab.start();
      expectSuccess(await faults.docker.lab.run(HELPED));
    }, LIMIT);
  },
);

describe.skipIf(missing !== undefined)(
  missing ? `a full disk of the engine: NOT RUN, ${missing}` : "a full disk of the engine",
  () => {
    test("a job that fills it fails, the next one runs", async () => {
      await using faults = await Faults.open({ diskMegabytes: 400 });
      const { lab } = faults.docker;
      const filling = await lab.run({
        script: "dd if=/dev/zero of=big bs=1M",
        variables: { GIT_STRATEGY: "none" },
      });
      expectFailure(filling, "script_failure", 1);
      expect(filling.plain).toContain("No space left on device");
      await faults.expectNothingLeft();
      await faults.expectJobsFlow();
    }, LIMIT);

    test("a job that finds it full is reported, and runs once there is room", async () => {
      await using faults = await Faults.open({ diskMegabytes: 400 });
      const ballast = `${faults.engine.dataDirectory}/ballast`;
      Bun.spawnSync(["dd", "if=/dev/zero", `of=${ballast}`, "bs=64k"], { stderr: "ignore" });
      const { lab } = faults.docker;
      const end = await lab.run({ script: "true", variables: { GIT_STRATEGY: "none" } });
      expectFailure(end, SYSTEM_FAILURE);
      expect(end.plain).toContain("no space left on device");
      await Bun.file(ballast).delete();
      await faults.expectNothingLeft();
      await faults.expectJobsFlow();
    }, LIMIT);
  },
);
