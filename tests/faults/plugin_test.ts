/** SIGKILL to a plugin and to its host, in every phase of a job. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { uniqueNap } from "../../core/plugin/check/bench.ts";
import { useCustom } from "../e2e/custom_lab.ts";
import { eventually, expectFailure, expectSuccess, type FinishedJob, Lab } from "../e2e/lab.ts";
import { isAlive, parentOf, processes, type SeenProcess } from "../fixtures/processes.ts";

const PLUGIN = resolve(import.meta.dir, "../fixtures/plugins/phases.py");
const KILLED = 'The plugin "phases": It ended with signal SIGKILL';
const LIMIT = 60_000;

/** What a job comes to when its plugin is killed there. */
const JOBS: Readonly<Record<string, (job: FinishedJob) => void>> = {
  prepare(job) {
    expectSuccess(job);
    expect(job.plain).toContain(`ERROR: Preparation failed: ${KILLED}`);
  },
  get_sources: expectSystemFailure,
  restore_cache: expectSystemFailure,
  step_script: expectSystemFailure,
  after_script: expectSystemFailure,
  archive_cache: expectSystemFailure,
  upload_artifacts_on_success: expectSystemFailure,
  finish: expectSuccess,
  cleanup: expectSuccess,
};

function expectSystemFailure(job: FinishedJob): void {
  expectFailure(job, "runner_system_failure");
  expect(job.plain).toContain(`(system failure): ${KILLED}`);
}

/** A runner whose plugin can be stopped at any phase. */
class PhaseLab implements AsyncDisposable {
  readonly lab: Lab;
  readonly #root: string;
  readonly #control: string;
  readonly #jobs: string;

  static async open(command: readonly string[] = [PLUGIN]): Promise<PhaseLab> {
    const root = mkdtempSync(join(tmpdir(), "plugin-phases-"));
    for (const name of ["control", "jobs"]) mkdirSync(join(root, name));
    const lab = await Lab.open({
      entry: [
        'executor = "phases"',
        "[runners.plugin]",
        `command = ${JSON.stringify(command)}`,
        `environment = ["TMPDIR=${root}/jobs"]`,
        "[runners.plugin.config]",
        `control = "${root}/control"`,
        `nap = "${uniqueNap()}"`,
      ],
    });
    return new PhaseLab(lab, root);
  }

  private constructor(lab: Lab, root: string) {
    this.lab = lab;
    this.#root = root;
    this.#control = join(root, "control");
    this.#jobs = join(root, "jobs");
  }

  stopAt(phase: string): void {
    writeFileSync(join(this.#control, phase), "");
  }

  /** Resolves with the plugin's process and the one it has left, once it is there. */
  async stopped(phase: string): Promise<{ readonly plugin: number; readonly left: number }> {
    const path = join(this.#control, `at-${phase}`);
    await eventually(() => existsSync(path), `the plugin stops at ${phase}`, 20_000);
    const [plugin = 0, left = 0] = readFileSync(path, "utf8").split(" ").map(Number);
    rmSync(path);
    return { plugin, left };
  }

  enqueue() {
    return this.lab.enqueue({
      repository: this.lab.repositories.app,
      script: ["echo made > made.txt"],
      afterScript: ["true"],
      cache: [{ key: "made", paths: ["made.txt"] }],
      artifacts: [{ name: "default", paths: ["made.txt"] }],
    });
  }

  /** The plugin, once it has nothing to do. */
  async idle(): Promise<number> {
    expectSuccess(await this.lab.finished(this.enqueue()));
    await this.expectNoDirectory();
    const host = this.lab.process.pid;
    const isPlugin = ({ pid, commandLine }: SeenProcess) =>
      commandLine.includes(PLUGIN) && parentOf(pid) === host;
    return (await eventually(() => processes().find(isPlugin), "the plugin runs")).pid;
  }

  async expectGone({ plugin, left }: { plugin: number; left: number }): Promise<void> {
    await eventually(() => !isAlive(plugin) && !isAlive(left), "both processes are gone", 20_000);
  }

  async expectNoDirectory(): Promise<void> {
    await eventually(() => readdirSync(this.#jobs).length === 0, "the job's directory is gone");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab[Symbol.asyncDispose]();
    rmSync(this.#root, { recursive: true, force: true });
  }
}

describe.skipIf(Bun.which("python3") === null)("a plugin that is killed (needs python3)", () => {
  let phases: PhaseLab;
  beforeAll(async () => void (phases = await PhaseLab.open()));
  afterAll(async () => await phases[Symbol.asyncDispose]());

  test("in the handshake costs nothing but time", async () => {
    phases.stopAt("initialize");
    phases.lab.start();
    const job = phases.enqueue();
    const processes = await phases.stopped("initialize");
    process.kill(processes.plugin, "SIGKILL");
    await phases.expectGone(processes);
    expectSuccess(await phases.lab.finished(job));
    expect(phases.lab.process.log).toContain(KILLED);
  }, LIMIT);

  test("when it is asked for room costs nothing but time", async () => {
    phases.stopAt("acquire");
    const job = phases.enqueue();
    const processes = await phases.stopped("acquire");
    process.kill(processes.plugin, "SIGKILL");
    await phases.expectGone(processes);
    expectSuccess(await phases.lab.finished(job));
  }, LIMIT);

  test.each(Object.entries(JOBS))(
    "in %s ends its job as it must, and works for the next",
    async (phase, check) => {
      phases.stopAt(phase);
      const job = phases.enqueue();
      const processes = await phases.stopped(phase);
      process.kill(processes.plugin, "SIGKILL");
      check(await phases.lab.finished(job));
      await phases.expectGone(processes);
      expectSuccess(await phases.lab.finished(phases.enqueue()));
      await phases.expectNoDirectory();
    },
    LIMIT,
  );

  test("while it has nothing to do costs nothing but time", async () => {
    const plugin = await phases.idle();
    process.kill(plugin, "SIGKILL");
    await phases.expectGone({ plugin, left: plugin });
    expectSuccess(await phases.lab.finished(phases.enqueue()));
  }, LIMIT);
});

describe.skipIf(Bun.which("python3") === null)("a host that is killed (needs python3)", () => {
  let phases: PhaseLab;
  beforeAll(async () => void (phases = await PhaseLab.open()));
  afterAll(async () => await phases[Symbol.asyncDispose]());

  const PHASES = ["initialize", "acquire", ...Object.keys(JOBS)];
  test.each(PHASES)("in %s leaves nothing of its plugin, and reports the job", async (phase) => {
    phases.stopAt(phase);
    phases.lab.start();
    const job = phases.enqueue();
    const processes = await phases.stopped(phase);
    phases.lab.process.signal("SIGKILL");
    await phases.lab.process.exited();
    await phases.expectGone(processes);
    phases.lab.start();
    const finished = await phases.lab.finished(job);
    // The job is reported before its end in the plugin, and runs only after its beginning there.
    if (["initialize", "acquire", "finish", "cleanup"].includes(phase)) expectSuccess(finished);
    else expectFailure(finished, "runner_system_failure");
    expectSuccess(await phases.lab.finished(phases.enqueue()));
    await phases.expectNoDirectory();
    await phases.lab.process.stop();
  }, LIMIT);

  test("while it has nothing to do leaves nothing of its plugin", async () => {
    phases.lab.start();
    const plugin = await phases.idle();
    phases.lab.process.signal("SIGKILL");
    await phases.lab.process.exited();
    await phases.expectGone({ plugin, left: plugin });
    phases.lab.start();
    expectSuccess(await phases.lab.finished(phases.enqueue()));
  }, LIMIT);
});

test("a plugin that does not hear its input end is ended by the next manager", async () => {
  const nap = uniqueNap();
  await using phases = await PhaseLab.open(["sleep", nap]);
  phases.lab.start();
  const found = () =>
    readdirSync("/proc").filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8") === `sleep\0${nap}\0`;
      } catch {
        return false;
      }
    });
  const orphan = await eventually(() => found()[0], "the plugin runs");
  phases.lab.process.signal("SIGKILL");
  await phases.lab.process.exited();
  phases.lab.start();
  await eventually(() => !found().includes(orphan), "the orphan is gone");
}, LIMIT);

test("a host that is killed while a driver floods leaves nothing running", async () => {
  await using lab = await Lab.open();
  const nap = uniqueNap();
  const driver = lab.path("driver");
  writeFileSync(driver, `#!/bin/sh\nsetsid sleep ${nap} & exec yes\n`, { mode: 0o755 });
  const cleanup = lab.path("cleanup");
  writeFileSync(cleanup, `#!/bin/sh\ntouch ${lab.path("cleaned")}\n`, { mode: 0o755 });
  useCustom(lab, [`run_exec = "${driver}"`, `cleanup_exec = "${cleanup}"`]);
  lab.start();
  const job = lab.enqueue({ script: ["true"] });
  await lab.printed(job, "y\ny\ny\n");
  const ours = (pid: string) => {
    try {
      const [text, env] = ["cmdline", "environ"].map((name) =>
        readFileSync(`/proc/${pid}/${name}`, "utf8")
      );
      return text?.includes(nap) || env?.includes(`TMPDIR=${lab.process.dir}`);
    } catch {
      return false;
    }
  };
  lab.process.signal("SIGKILL");
  await lab.process.exited();
  await eventually(() => existsSync(lab.path("cleaned")), "cleanup_exec was called");
  await eventually(() => !readdirSync("/proc").some(ours), "no process is left", 20_000);
}, LIMIT);
