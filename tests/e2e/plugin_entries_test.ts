/** What becomes of plugins, and of what they have made, when runner entries come and go. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { eventually, expectFailure, expectSuccess, Lab } from "./lab.ts";
import { isAlive, parentOf, processes } from "../fixtures/processes.ts";

const PHASES = resolve(import.meta.dir, "../fixtures/plugins/phases.py");
const LIMIT = 60_000;

describe("plugins of runner entries", () => {
  let scratch: string;
  let lab: Lab;
  let shell: Lab["runner"];
  let phases: Lab["runner"];

  beforeEach(async () => {
    scratch = mkdtempSync(join(tmpdir(), "plugin-entries-"));
    lab = await Lab.open({ env: { TMPDIR: scratch } });
    const others = { checkIntervalMs: 1000, runUntagged: false };
    shell = lab.coordinator.addRunner({ ...others, tags: ["shell"] });
    phases = lab.coordinator.addRunner({ ...others, tags: ["phases"] });
    writeFileSync(lab.path("run"), '#!/bin/sh\nexec bash "$1"\n', { mode: 0o755 });
    writeFileSync(lab.path("cleanup"), `#!/bin/sh\ntouch ${lab.path("cleaned")}\n`, {
      mode: 0o755,
    });
  });
  afterEach(async () => {
    await lab[Symbol.asyncDispose]();
    rmSync(scratch, { recursive: true, force: true });
  });

  const entry = (name: string, token: string, lines: readonly string[] = []) => ({
    name,
    url: lab.coordinator.url,
    token,
    lines,
  });
  const customEntry = () =>
    entry("custom", lab.runner.token, [
      'executor = "custom"',
      `builds_dir = "${lab.path("builds")}"`,
      `cache_dir = "${lab.path("cache")}"`,
      "[runners.feature_flags]",
      "FF_TIMESTAMPS = false",
      "[runners.custom]",
      `run_exec = "${lab.path("run")}"`,
      `cleanup_exec = "${lab.path("cleanup")}"`,
    ]);
  const shellEntry = () => entry("shell", shell.token);
  const phasesEntry = () => {
    mkdirSync(lab.path("control"), { recursive: true });
    return entry("phases", phases.token, [
      'executor = "phases"',
      "[runners.plugin]",
      `command = ["${PHASES}"]`,
      "[runners.plugin.config]",
      `control = "${lab.path("control")}"`,
    ]);
  };
  const pluginOf = (words: string) =>
    eventually(() => {
      const { pid } = lab.process;
      return processes().find((each) =>
        each.commandLine.includes(words) && parentOf(each.pid) === pid
      )?.pid;
    }, `the plugin of "${words}" runs`);
  const reconfigure = async (entries: Parameters<typeof lab.process.configure>[0]) => {
    lab.process.log = "";
    lab.process.configure(entries);
    await eventually(() => lab.process.log.includes("Configuration loaded"), "the reload");
  };

  test("one without jobs ends when its entry is removed", async () => {
    lab.process.configure([customEntry(), shellEntry()]);
    lab.start();
    const plugin = await pluginOf("plugin custom");
    await reconfigure([shellEntry()]);
    await eventually(() => !isAlive(plugin), "the plugin has ended");
    expectSuccess(await lab.run({ tags: ["shell"], script: ["true"] }));
  }, LIMIT);

  test("one with a job ends after it when its entry is removed", async () => {
    lab.process.configure([customEntry(), shellEntry()]);
    lab.start();
    const gate = lab.gate("gate");
    const job = lab.enqueue({ script: ["echo up", gate.wait] });
    await lab.printed(job, "up\n");
    const plugin = await pluginOf("plugin custom");
    await reconfigure([shellEntry()]);
    expectSuccess(await lab.run({ tags: ["shell"], script: ["true"] }));
    expect(isAlive(plugin)).toBe(true);
    gate.open();
    expectSuccess(await lab.finished(job));
    await eventually(() => !isAlive(plugin), "the plugin has ended");
    expect(existsSync(lab.path("cleaned"))).toBe(true);
    expect(lab.process.log).not.toContain("so it was ended");
  }, LIMIT);

  test("one that died with a job tidies up when its entry is removed", async () => {
    lab.process.configure([customEntry(), shellEntry()]);
    lab.start();
    const gate = lab.gate("gate");
    const job = lab.enqueue({ script: ["echo up", gate.wait] });
    await lab.printed(job, "up\n");
    const plugin = await pluginOf("plugin custom");
    await reconfigure([shellEntry()]);
    process.kill(plugin, "SIGKILL");
    expectFailure(await lab.finished(job), "runner_system_failure");
    await eventually(() => existsSync(lab.path("cleaned")), "cleanup_exec was called");
    await eventually(() => directories().length === 0, "the job's directory is gone");
  }, LIMIT);

  test.skipIf(Bun.which("python3") === null)(
    "one that is started later ends no other's (needs python3)",
    async () => {
      lab.process.configure([customEntry()]);
      lab.start();
      const gate = lab.gate("gate");
      const job = lab.enqueue({ script: ["echo up", gate.wait] });
      await lab.printed(job, "up\n");
      await reconfigure([customEntry(), phasesEntry()]);
      expectSuccess(await lab.run({ tags: ["phases"], script: ["true"] }));
      gate.open();
      expectSuccess(await lab.finished(job));
    },
    LIMIT,
  );

  test.each([
    ["was removed", () => [shellEntry()]],
    [
      "has another executor",
      () => [entry("custom", lab.runner.token), shellEntry()],
    ],
  ])("what a killed manager's job has left goes also when its entry %s", async (_what, now) => {
    lab.process.configure([customEntry(), shellEntry()]);
    lab.start();
    const job = lab.enqueue({ script: ["echo up", "sleep 1000"] });
    await lab.printed(job, "up\n");
    const plugin = await pluginOf("plugin custom");
    process.kill(plugin, "SIGSTOP");
    lab.process.signal("SIGKILL");
    await lab.process.exited();
    process.kill(plugin, "SIGKILL");
    expect(directories()).toHaveLength(1);
    lab.process.configure(now());
    lab.start();
    expectFailure(await lab.finished(job), "runner_system_failure");
    await eventually(() => existsSync(lab.path("cleaned")), "cleanup_exec was called");
    await eventually(() => directories().length === 0, "the job's directory is gone");
  }, LIMIT);

  const directories = () =>
    readdirSync(scratch).filter((name) => name.startsWith("custom-executor"));
});
