import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { messageOf } from "../../../core/errors.ts";
import type { Executor, ExecutorHost } from "../../../core/executor.ts";
import { JobCanceled } from "../../../core/util/abort.ts";
import {
  externalPlugin,
  PluginExecutorProvider,
  PluginMarks,
} from "../../../executors/plugin/mod.ts";
import { SILENT, testConfig, testIO, testSpec } from "../../conformance/executor_suite.ts";

const scratch = mkdtempSync(join(tmpdir(), "plugin-test-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const FAULTY = [
  process.execPath,
  join(import.meta.dir, "../../fixtures/plugins/faulty_plugin.ts"),
];
const NEVER = new AbortController().signal;
const config = testConfig({ executor: "faulty" });
const infos: string[] = [];
const host: ExecutorHost = {
  logger: {
    ...SILENT,
    with: () => ({ ...SILENT, info: (text) => void infos.push(text) }),
  },
  systemId: "s_test",
  stateDir: join(scratch, "state"),
};

function provider(fault: () => string): PluginExecutorProvider {
  return new PluginExecutorProvider({
    name: "faulty",
    env: { PATH: process.env["PATH"], SECRET_OF_THE_RUNNER: "1" },
    executable: process.execPath,
    marks: new PluginMarks(),
    features: {},
    command: () => ({ argv: FAULTY, environment: [], config: { fault: fault() } }),
  });
}

async function acquire(from: PluginExecutorProvider): Promise<Executor> {
  const executor = await from.acquire(config, { host, signal: NEVER });
  if (executor === undefined) throw new Error("no capacity");
  return executor;
}

const command = {
  stage: "step_script",
  script: "true",
  invocation: { argv: ["bash"], script: { kind: "stdin" } },
  target: "build",
} as const;

describe("PluginExecutorProvider with a plugin that", () => {
  test.each([
    ["dies", "It ended with exit code 3"],
    ["garbage", 'It is no JSON: "Segmentation fault"'],
    ["long line", "A line is longer than 4194304 bytes"],
    ["floods output", "It sends more output than it was granted"],
    ["asks and takes no answers", "It has asked 1000 things and takes no answers"],
    ["cannot read", "It cannot read what it is sent: no JSON at column 7"],
  ])("%s fails its job as a system failure, and works again for the next", async (fault, why) => {
    let present = fault;
    await using plugins = provider(() => present);
    const executor = await acquire(plugins);
    const io = testIO(() => Bun.sleep(20));
    await executor.prepare(testSpec(), io, { signal: NEVER });
    const failed = await executor.run(command, io, { signal: NEVER }).catch((error) => error);
    expect(failed.name).toBe("SystemFailure");
    expect(failed.message).toStartWith(`The plugin "faulty": ${why}`);
    await executor[Symbol.asyncDispose]();
    present = "";
    const next = await acquire(plugins);
    await next.prepare(testSpec(), io, { signal: NEVER });
    expect(await next.run(command, io, { signal: NEVER })).toEqual({ kind: "exited", code: 0 });
    await next[Symbol.asyncDispose]();
  });

  test.each([
    ["wrong version", "It wants version 9 of the protocol"],
    ["refuses", "root is missing"],
  ])("%s at its start is told of, and not started again at once", async (fault, why) => {
    await using plugins = provider(() => fault);
    await expect(acquire(plugins)).rejects.toThrow(why);
    await expect(acquire(plugins)).rejects.toThrow("it is started again in 1 s");
  });

  test("is full has no capacity", async () => {
    await using plugins = provider(() => "full");
    expect(await plugins.acquire(config, { host, signal: NEVER })).toBeUndefined();
  });

  test("gives a handle twice is ended", async () => {
    await using plugins = provider(() => "same handle");
    await acquire(plugins);
    await expect(acquire(plugins)).rejects.toThrow('gave out the handle "job-0" twice');
  });

  test("answers with a relative path fails the preparation", async () => {
    await using plugins = provider(() => "relative path");
    const executor = await acquire(plugins);
    const preparing = executor.prepare(testSpec(), testIO(), { signal: NEVER });
    await expect(preparing).rejects.toThrow(
      'The answer to "executor/prepare" is wrong: builds_dir',
    );
  });

  test("answers wrongly and does not end by itself is ended, and started anew", async () => {
    await using plugins = provider(() => "stubborn once");
    const executor = await acquire(plugins);
    const preparing = executor.prepare(testSpec(), testIO(), { signal: NEVER });
    await expect(preparing).rejects.toThrow('The answer to "executor/prepare" is wrong');
    await executor[Symbol.asyncDispose]();
    await using next = await acquire(plugins);
    expect(await next.prepare(testSpec(), testIO(), { signal: NEVER })).toMatchObject({
      buildsDir: "/b",
    });
  });

  test("answers twice is ended for it", async () => {
    await using plugins = provider(() => "answers twice");
    const executor = await acquire(plugins);
    await executor.prepare(testSpec(), testIO(), { signal: NEVER });
    await executor.run(command, testIO(), { signal: NEVER });
    const again = executor.run(command, testIO(), { signal: NEVER });
    await expect(again).rejects.toThrow("which was never sent or has its answer");
  });

  test("sends empty pieces of output without end costs nothing", async () => {
    await using plugins = provider(() => "floods nothing");
    await using executor = await acquire(plugins);
    const io = testIO();
    await executor.prepare(testSpec(), io, { signal: NEVER });
    expect(await executor.run(command, io, { signal: NEVER })).toMatchObject({ code: 0 });
    expect(io.text()).toBe("");
  });

  test("does not answer is left with the abort's reason when it is ended", async () => {
    await using plugins = provider(() => "silent");
    const executor = await acquire(plugins);
    const io = testIO();
    await executor.prepare(testSpec(), io, { signal: NEVER });
    const stop = new AbortController();
    const running = executor.run(command, io, { signal: stop.signal }).catch((error) => error);
    const reason = new JobCanceled();
    stop.abort(reason);
    await plugins[Symbol.asyncDispose]();
    expect(await running).toBe(reason);
  });

  test("claims a year to end its processes in gets an hour", async () => {
    await using plugins = provider(() => "claims a year");
    const executor = await acquire(plugins);
    await executor.prepare(testSpec(), testIO(), { signal: NEVER });
    const cancel = new AbortController();
    infos.length = 0;
    const running = executor.run(command, testIO(), { signal: cancel.signal });
    cancel.abort(new JobCanceled());
    await expect(running).rejects.toThrow("canceled");
    await executor[Symbol.asyncDispose]();
    expect(infos).toContain("asked to stop within 3600000 ms");
  });

  test("floods its log loses lines, and says how many", async () => {
    await using plugins = provider(() => "floods log");
    const executor = await acquire(plugins);
    const io = testIO();
    await executor.prepare(testSpec(), io, { signal: NEVER });
    expect(await executor.run(command, io, { signal: NEVER })).toMatchObject({ code: 0 });
    await executor[Symbol.asyncDispose]();
    expect(infos.length).toBeLessThan(1500);
    expect(infos).toContain("line 0");
  });
});

describe("PluginExecutorProvider with a plugin whose clean-up", () => {
  test("takes longer than it has said is ended", async () => {
    await using plugins = provider(() => "silent at cleanup");
    const executor = await acquire(plugins);
    const started = performance.now();
    await executor[Symbol.asyncDispose]();
    expect(performance.now() - started).toBeLessThan(5000);
    expect(plugins.pids).toEqual([]);
  });
});

describe("externalPlugin()", () => {
  const options = {
    env: { PATH: scratch },
    executable: process.execPath,
    marks: new PluginMarks(),
    builtIn: ["shell"],
  };

  test("finds runner-executor-<name> in PATH", () => {
    const program = join(scratch, "runner-executor-found");
    writeFileSync(program, "#!/bin/sh\n");
    chmodSync(program, 0o755);
    const found = externalPlugin("found", options);
    expect(found?.info(testConfig({ executor: "found" })).defaultShell).toBe("bash");
  });

  test("finds it in the directory of plugins beside the executable", () => {
    const directory = join(scratch, "opt/plugins");
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, "runner-executor-beside"), "#!/bin/sh\n", { mode: 0o755 });
    const beside = externalPlugin("beside", {
      ...options,
      executable: join(scratch, "opt/runner"),
    });
    expect(beside?.info(testConfig({ executor: "beside" })).defaultShell).toBe("bash");
  });

  test("says where it looked for a plugin that is not there", () => {
    const missing = externalPlugin("missing", options);
    const directory = join(dirname(process.execPath), "plugins");
    const message = (() => {
      try {
        missing?.info(testConfig({ executor: "missing" }));
        return "";
      } catch (error) {
        return messageOf(error);
      }
    })();
    expect(message).toBe(
      'Runner "under-test" has the unknown executor "missing": this build has shell, there is no ' +
        '"command" in [runners.plugin], and no program "runner-executor-missing" in PATH ' +
        `or in "${directory}"`,
    );
  });

  test("takes the command of [runners.plugin] first", () => {
    mkdirSync(join(scratch, "empty"), { recursive: true });
    const named = externalPlugin("named", { ...options, env: { PATH: join(scratch, "empty") } });
    const entry = testConfig({ executor: "named", plugin: { command: ["/opt/named"] } });
    expect(named?.info(entry).features.variables).toBe(true);
  });

  test("does not take a path for an executor's name", () => {
    expect(externalPlugin("../evil", options)).toBeUndefined();
  });
});
