/** A plugin that dies, hangs or writes garbage costs its own jobs, and nobody else's. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { eventually, expectFailure, expectSuccess, Lab, output } from "./lab.ts";
import { cpuSeconds, isAlive, parentOf, processes } from "../fixtures/processes.ts";
import { EXECUTABLE } from "./runner_process.ts";

const FAULTY = resolve(import.meta.dir, "../fixtures/plugins/faulty_plugin.ts");
const LIMIT = 60_000;

describe("a plugin in the executable", () => {
  let lab: Lab;
  let shell: Lab["runner"];
  const entry = (name: string, token: string, lines: readonly string[]) => ({
    name,
    url: lab.coordinator.url,
    token,
    lines,
  });
  const configure = (fault: string) =>
    lab.process.configure([
      entry("faulty", lab.runner.token, [
        'executor = "faulty"',
        "[runners.plugin]",
        `command = ["${process.execPath}", "${FAULTY}"]`,
        "[runners.plugin.config]",
        `fault = "${fault}"`,
      ]),
      entry("shell", shell.token, []),
    ]);

  beforeAll(async () => {
    lab = await Lab.open();
    shell = lab.coordinator.addRunner({
      checkIntervalMs: 1000,
      tags: ["shell"],
      runUntagged: false,
    });
  });
  afterAll(async () => await lab[Symbol.asyncDispose]());

  test.each([
    ["dies", "It ended with exit code 3"],
    ["garbage", 'It is no JSON: "Segmentation fault"'],
    ["long line", "A line is longer than 4194304 bytes"],
    ["more than granted", "It sends more output than it was granted"],
    ["asks and takes no answers", "It has asked 1000 things and takes no answers"],
    ["answers twice", "It answers the request "],
  ])("that %s fails its job, while another entry's runs", async (fault, why) => {
    configure(fault);
    lab.start();
    const gate = lab.gate(`gate-${fault.replaceAll(" ", "-")}`);
    const other = lab.enqueue({ tags: ["shell"], script: ["echo up", gate.wait] });
    await lab.printed(other, "up\n");
    const job = await lab.run({ script: ["true"] });
    expectFailure(job, "runner_system_failure");
    expect(job.plain).toContain(`(system failure): The plugin "faulty": ${why}`);
    gate.open();
    expectSuccess(await lab.finished(other));
    expect(await lab.process.stop()).toBe(0);
  }, LIMIT);

  test("that floods messages slows no other entry's job down", async () => {
    configure("floods messages");
    lab.start();
    const job = lab.enqueue({ script: ["true"] });
    const plugin = await eventually(() => pluginOf(lab), "the plugin runs");
    await eventually(() => cpuSeconds(plugin) > 1, "it floods");
    const started = performance.now();
    expectSuccess(await lab.run({ tags: ["shell"], script: ["true"] }));
    expect(performance.now() - started).toBeLessThan(5000);
    process.kill(plugin, "SIGKILL");
    expectFailure(await lab.finished(job), "runner_system_failure");
    expect(await lab.process.stop()).toBe(0);
  }, LIMIT);

  test.each([
    ["stays", "signal SIGTERM"],
    ["stays for good", "signal SIGKILL"],
  ])("that %s when its input ends is ended in time, and the log says so", async (fault, end) => {
    configure(fault);
    lab.process.log = "";
    lab.start();
    expectSuccess(await lab.run({ script: ["true"] }));
    const plugin = pluginOf(lab);
    const started = performance.now();
    lab.process.signal("SIGTERM");
    expect(await lab.process.exited()).toBe(0);
    expect(performance.now() - started).toBeLessThan(25_000);
    expect(isAlive(plugin ?? 0)).toBe(false);
    expect(lab.process.log).toContain("The plugin did not end with its input, so it was ended");
    expect(lab.process.log).toContain(`end=${end}`);
  }, LIMIT);

  test("that says nothing at its start is ended, and asked again later and later", async () => {
    configure("silent at start");
    lab.process.log = "";
    lab.start();
    await eventually(
      () => lab.process.log.includes("was not answered within 10"),
      "its end",
      20_000,
    );
    await eventually(() => /started again in \d+ s/.test(lab.process.log), "the wait");
    expectSuccess(await lab.run({ tags: ["shell"], script: ["true"] }));
    await lab.process.stop();
  }, LIMIT);
});

function pluginOf(lab: Lab): number | undefined {
  const { pid } = lab.process;
  return processes().find(({ pid: each, commandLine }) =>
    commandLine.includes(FAULTY) && parentOf(each) === pid
  )?.pid;
}

test(
  "a plugin beside the executable is found, listed, and sees an environment made for it",
  async () => {
    await using lab = await Lab.open({
      entry: ['executor = "looks"'],
      env: { SECRET_OF_THE_OPERATOR: "hidden" },
    });
    const opt = lab.path("opt");
    mkdirSync(join(opt, "plugins"), { recursive: true });
    cpSync(EXECUTABLE, join(opt, "runner"));
    const seen = lab.path("seen");
    const plugin = join(opt, "plugins/runner-executor-looks");
    writeFileSync(plugin, `#!/bin/sh\nenv > ${seen}.new; mv ${seen}.new ${seen}; exit 3\n`, {
      mode: 0o755,
    });
    const env = { ...lab.process.env };
    expect(await output([join(opt, "runner"), "plugin", "list"], { env }))
      .toBe(`custom\tin this executable\nlooks\t${plugin}\n`);
    const child = Bun.spawn([join(opt, "runner"), "run", "--config", lab.process.configPath], {
      env,
      stdout: "ignore",
      stderr: "ignore",
    });
    try {
      const names = await eventually(async () => {
        if (!await Bun.file(seen).exists()) return undefined;
        return readFileSync(seen, "utf8").trim().split("\n").map((line) => line.split("=")[0]);
      }, "the plugin was started");
      expect(names.sort()).toEqual([
        "HOME",
        "LANG",
        "PATH",
        "PWD",
        "RUNNER_PLUGIN_MARK",
        "TMPDIR",
      ]);
    } finally {
      child.kill();
      await child.exited;
    }
  },
  LIMIT,
);
