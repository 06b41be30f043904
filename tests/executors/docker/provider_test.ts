/** The docker executor's own promises, on real engines. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  truncateSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ExecutorHost, StageCommand } from "../../../core/executor.ts";
import { tryLockFile } from "../../../core/util/file_lock.ts";
import { helperProgram } from "../../../executors/docker/helper/program.ts";
import { connectEngine, type Engine } from "../../../executors/docker/engine/mod.ts";
import { DockerExecutorProvider } from "../../../executors/docker/mod.ts";
import { Ownership } from "../../../executors/docker/ownership.ts";
import { Reaper } from "../../../executors/docker/reaper.ts";
import { sh } from "../../../shells/bash.ts";
import { SILENT, testConfig, testIO, testSpec } from "../../conformance/executor_suite.ts";
import { makeImage, type TestEngine } from "./dockerd.ts";
import { onEachEngine } from "./engines.ts";

const NEVER = new AbortController().signal;
const SYSTEM_ID = "com.gitlab.gitlab-runner.runner.system_id";

onEachEngine("DockerExecutorProvider", suite);

function suite(_name: string, use: () => Promise<TestEngine>): void {
  let daemon: TestEngine;
  let engine: Engine;
  let image: string;
  let root: string;
  beforeAll(async () => {
    daemon = await use();
    engine = connectEngine({ host: daemon.host, env: {} });
    image = await makeImage("busybox.sh", daemon.host);
    root = mkdtempSync(join(tmpdir(), "runner-docker-"));
  }, 60_000);
  afterAll(async () => {
    rmSync(root, { recursive: true, force: true });
    await engine?.[Symbol.asyncDispose]();
    await daemon?.[Symbol.asyncDispose]();
  });

  const config = () =>
    testConfig({
      executor: "docker",
      docker: {
        host: daemon.host,
        image,
        pull_policy: "never",
        disable_cache: true,
        network_mode: "none",
      },
    });

  /** A manager of its own, with its lock held as long as it is not disposed of. */
  function manager(systemId: string, name: string, executable = "/bin/sh") {
    const stateDir = join(root, name);
    mkdirSync(stateDir, { recursive: true });
    const lock = tryLockFile(join(stateDir, "lock"));
    const provider = new DockerExecutorProvider({ env: {}, executable });
    const host: ExecutorHost = { logger: SILENT, systemId, stateDir };
    return {
      host,
      provider,
      async acquired() {
        const executor = await provider.acquire(config(), { host, signal: NEVER });
        if (executor === undefined) throw new Error("the engine does not answer");
        return executor;
      },
      async prepared() {
        const executor = await this.acquired();
        await executor.prepare(testSpec(), testIO(), { signal: NEVER });
        return executor;
      },
      /** What kill -9 leaves of it. */
      die: () => lock?.[Symbol.dispose](),
      async [Symbol.asyncDispose]() {
        lock?.[Symbol.dispose]();
        await provider[Symbol.asyncDispose]();
      },
    };
  }

  const stage = (name: string): StageCommand => ({
    stage: name,
    script: "true\n",
    invocation: sh.invocation({ os: "linux", login: false }),
    target: "build",
  });
  const containersOf = (systemId: string) =>
    engine.listContainers({ labels: { [SYSTEM_ID]: systemId }, all: true }, { signal: NEVER });

  test("a job of several stages starts at most two containers, and leaves nothing", async () => {
    const id = `s_${crypto.randomUUID()}`;
    await using own = manager(id, id);
    const watch = new AbortController();
    const started = new Set<string>();
    let starts = 0;
    const watching = (async () => {
      const filter = { types: ["container"], labels: { [SYSTEM_ID]: id } };
      for await (const event of engine.events(filter, { signal: watch.signal })) {
        if (event.action !== "start") continue;
        starts++;
        started.add(event.id);
      }
    })().catch(() => {});
    const executor = await own.prepared();
    for (const name of ["step_script", "step_release", "after_script"]) {
      expect(await executor.run(stage(name), testIO(), { signal: NEVER })).toEqual({
        kind: "exited",
        code: 0,
      });
    }
    await executor[Symbol.asyncDispose]();
    watch.abort(new Error("seen enough"));
    await watching;
    expect(starts).toBe(started.size);
    expect(starts).toBeGreaterThan(0);
    expect(starts).toBeLessThanOrEqual(2);
    expect(await containersOf(id)).toEqual([]);
    const volumes = await engine.listVolumes({ [SYSTEM_ID]: id }, { signal: NEVER });
    expect(volumes).toEqual([]);
  });

  test("the next process removes a dead manager's containers, and no living one's", async () => {
    const id = `s_${crypto.randomUUID()}`;
    await using dead = manager(id, `${id}-dead`);
    await using alive = manager(id, `${id}-alive`);
    const last = await dead.prepared();
    // Nothing of it is still to be started when it dies.
    await last.run(stage("step_script"), testIO(), { signal: NEVER });
    const running = await alive.prepared();
    expect(await containersOf(id)).toHaveLength(4);
    dead.die();
    await using next = manager(id, `${id}-next`);
    const executor = await next.acquired();
    for (let tries = 0; (await containersOf(id)).length > 2 && tries < 50; tries++) {
      await Bun.sleep(100);
    }
    expect(await containersOf(id)).toHaveLength(2);
    expect(await running.run(stage("step_script"), testIO(), { signal: NEVER })).toMatchObject({
      code: 0,
    });
    await executor[Symbol.asyncDispose]();
    await running[Symbol.asyncDispose]();
  }, 15_000);

  test("no job is taken while the engine does not answer", async () => {
    const id = `s_${crypto.randomUUID()}`;
    await using own = manager(id, id);
    const nowhere = testConfig({
      executor: "docker",
      docker: { host: `unix://${root}/nowhere.sock`, image },
    });
    const { host, provider } = own;
    expect(await provider.acquire(nowhere, { host, signal: NEVER })).toBeUndefined();
    expect(await provider.acquire(config(), { host, signal: NEVER })).toBeDefined();
  });

  test(
    "Reaper removes what a job of this process has left, but not while it has the job",
    async () => {
      const id = `s_${crypto.randomUUID()}`;
      await using own = manager(id, id);
      const executor = await own.prepared();
      const [found] = await containersOf(id);
      if (found === undefined) throw new Error("the job has no container");
      const label = (name: string) => found.labels[`com.gitlab.gitlab-runner.${name}`] ?? "";
      const ownership = new Ownership({
        systemId: id,
        instance: label("manager.instance"),
        stateDir: own.host.stateDir,
        hostname: label("manager.hostname"),
      }, new Set());
      ownership.claim(label("job.key"));
      const reap = async (rounds: () => Promise<unknown>) => {
        await using _reaper = new Reaper({ engine, ownership, logger: SILENT, pauseMs: 10 });
        await rounds();
      };
      await reap(() => Bun.sleep(500));
      expect(await containersOf(id)).toHaveLength(2);
      ownership.drop(label("job.key"));
      await reap(async () => {
        while ((await containersOf(id)).length > 0) await Bun.sleep(20);
      });
      expect(await containersOf(id)).toEqual([]);
      await executor[Symbol.asyncDispose]();
    },
    15_000,
  );

  test("a container that is killed from outside is a fault, not the script's exit", async () => {
    const id = `s_${crypto.randomUUID()}`;
    await using own = manager(id, id);
    const executor = await own.prepared();
    const io = testIO();
    const running = executor.run(
      { ...stage("step_script"), script: "echo up; sleep 60\n" },
      io,
      { signal: NEVER },
    ).catch((error: unknown) => error);
    while (io.text() !== "up\n") await Bun.sleep(10);
    for (const { id: container, name } of await containersOf(id)) {
      if (name.endsWith("-build")) {
        await engine.killContainer(container, "SIGKILL", { signal: NEVER });
      }
    }
    expect(await running).toMatchObject({ name: "SystemFailure" });
    await executor[Symbol.asyncDispose]();
  }, 15_000);

  /** More than a pipe holds, and most of it is never run. */
  const LONG_SCRIPT = `i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; exit 3\n${
    "# not reached\n".repeat(30_000)
  }`;
  const LINES = Array.from({ length: 3000 }, (_, line) => `line ${line}\n`).join("");

  test.each<[string, readonly string[]]>([
    ["a script that ends early", []],
    ["an entrypoint that reads no script", ["sh", "-c", LONG_SCRIPT.split("\n")[0] ?? "", "-"]],
  ])("all that %s has printed is in the log, with its exit code", async (_what, entrypoint) => {
    const id = `s_${crypto.randomUUID()}`;
    await using own = manager(id, id);
    const executor = await own.acquired();
    const spec = { ...testSpec(), image: { name: image, entrypoint } };
    await executor.prepare(spec as ReturnType<typeof testSpec>, testIO(), { signal: NEVER });
    for (let run = 0; run < 5; run++) {
      const io = testIO();
      const command = { ...stage("step_script"), script: LONG_SCRIPT };
      expect(await executor.run(command, io, { signal: NEVER })).toEqual({
        kind: "exited",
        code: 3,
      });
      expect(io.text()).toBe(LINES);
    }
    await executor[Symbol.asyncDispose]();
  }, 60_000);

  test("a provider that ends while it fills a helper volume leaves nothing of it", async () => {
    const id = `s_${crypto.randomUUID()}`;
    const executable = join(root, `executable-${id}`);
    copyFileSync("/bin/sh", executable);
    // Large enough to be under way for a while; its volume is nobody else's.
    truncateSync(executable, 1_000_000_000);
    appendFileSync(executable, id);
    const own = manager(id, id, executable);
    const { digest } = await helperProgram(executable, { os: "linux", arch: "amd64" });
    const name = `runner-helper-v19.4.0-amd64-${digest}`;
    const labels = { "com.gitlab.gitlab-runner.helper.volume": name };
    const containers = () => engine.listContainers({ labels, all: true }, { signal: NEVER });
    const executor = await own.acquired();
    const preparing = executor.prepare(testSpec(), testIO(), { signal: NEVER })
      .then(() => "prepared", () => "rejected");
    while ((await containers()).length === 0) await Bun.sleep(10);
    await executor[Symbol.asyncDispose]();
    await own[Symbol.asyncDispose]();
    // At once: the process would end here.
    expect(await containers()).toEqual([]);
    expect(await engine.listVolumes(labels, { signal: NEVER })).toEqual([]);
    expect(await preparing).toBe("rejected");
  }, 60_000);

  test("a helper volume that was pruned is filled again for the next job", async () => {
    const id = `s_${crypto.randomUUID()}`;
    const executable = join(root, `executable-${id}`);
    copyFileSync("/bin/sh", executable);
    // Its volume is nobody else's, whatever other tests bring into helpers.
    appendFileSync(executable, id);
    await using own = manager(id, id, executable);
    const path = "/opt/gitlab-runner-helper";
    const helperOf = async () => {
      const helper = (await containersOf(id)).find(({ name }) => name.endsWith("-predefined"));
      const found = await engine.inspectContainer(helper?.id ?? "none", { signal: NEVER });
      if (found === "not-found") throw new Error("there is no helper");
      const volume = found.mounts.find(({ destination }) => destination === path);
      return { id: found.id, volume: volume?.name ?? "" };
    };
    const first = await own.prepared();
    const name = (await helperOf()).volume;
    expect(name).toStartWith("runner-helper-v19.4.0-");
    const labels = { "com.gitlab.gitlab-runner.helper.volume": name };
    expect(await engine.listVolumes(labels, { signal: NEVER })).toMatchObject([{ name }]);
    await first[Symbol.asyncDispose]();
    await engine.removeVolume(name, { signal: NEVER });
    const executor = await own.prepared();
    const again = await helperOf();
    expect(again.volume).toBe(name);
    const there = await engine.exec(again.id, { argv: ["ls", `${path}/complete`] }, {
      output: { write: () => undefined },
      signal: NEVER,
    });
    expect(there.exitCode).toBe(0);
    await executor[Symbol.asyncDispose]();
    await engine.removeVolume(name, { signal: NEVER });
  }, 15_000);
}
