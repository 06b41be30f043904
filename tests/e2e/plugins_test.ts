/** Executors in processes of their own, from config.toml to the job's log. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually, expectFailure, expectSuccess, Lab, output } from "./lab.ts";
import { isAlive } from "../fixtures/processes.ts";
import { EXECUTABLE } from "./runner_process.ts";
import { installSdk } from "./typescript_sdk.ts";

const ROOT = join(import.meta.dir, "../..");
const EXAMPLE = join(ROOT, "examples/plugins/bubblewrap/runner-executor-bubblewrap");
const SDK = join(ROOT, "sdk/python");

const missing = ["python3", "bwrap"].filter((program) => Bun.which(program) === null);

describe("custom", () => {
  let scratch: string;
  let lab: Lab;
  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), "custom-jobs-"));
    lab = await Lab.open({ requestConcurrency: 4, env: { TMPDIR: scratch } });
    const driver = (name: string, ...lines: readonly string[]) => {
      const path = lab.path(name);
      writeFileSync(
        path,
        ["#!/bin/bash", `PATH=${lab.path("bin")}:$PATH`, ...lines, ""].join("\n"),
      );
      chmodSync(path, 0o755);
      return path;
    };
    await output(["mkdir", "-p", lab.path("bin")]);
    await output(["ln", "-s", EXECUTABLE, lab.path("bin", "gitlab-runner")]);
    const config = driver(
      "config",
      "echo reading the configuration >&2",
      `echo '{"driver":{"name":"lab","version":"v1"},"builds_dir":"${lab.path("b")}",` +
        `"cache_dir":"${lab.path("c")}","hostname":"lab-host","job_env":{"FROM_CONFIG":"yes"}}'`,
    );
    const prepare = driver(
      "prepare",
      `echo "prepared with $FROM_CONFIG for $CUSTOM_ENV_CI_JOB_NAME"`,
      `setsid sleep 1000 >/dev/null 2>&1 & echo $! > ${lab.path("machine")}`,
    );
    const run = driver(
      "run",
      'echo "$2" >> ' + lab.path("stages"),
      'bash "$1" && exit 0',
      'echo $? > "$BUILD_EXIT_CODE_FILE"; exit "$BUILD_FAILURE_EXIT_CODE"',
    );
    const cleanup = driver(
      "cleanup",
      `echo done >> ${lab.path("cleaned")}`,
      `setsid sh -c 'sleep 0.3; touch ${lab.path("tidied")}' >/dev/null 2>&1 &`,
    );
    lab.process.configure([{
      url: lab.coordinator.url,
      token: lab.runner.token,
      lines: [
        'executor = "custom"',
        "[runners.feature_flags]",
        "FF_TIMESTAMPS = false",
        "[runners.custom]",
        `config_exec = "${config}"`,
        `prepare_exec = "${prepare}"`,
        `run_exec = "${run}"`,
        `cleanup_exec = "${cleanup}"`,
      ],
    }]);
    lab.start();
  });
  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
    rmSync(scratch, { recursive: true, force: true });
  });

  test("runs every stage by the driver's programs, in their order", async () => {
    const job = await lab.run({
      name: "unit",
      repository: lab.repositories.app,
      script: ["cat README.md", "echo $CI_PROJECT_DIR"],
      artifacts: [{ name: "default", paths: ["README.md"] }],
    });
    expectSuccess(job);
    expect(job.plain).toContain("reading the configuration\n");
    expect(job.plain).toContain("Using Custom executor with driver lab v1...");
    expect(job.plain).toContain("prepared with yes for unit");
    expect(job.plain).toMatch(/^Running on \S+ via lab-host\.\.\.$/m);
    const stages = (await Bun.file(lab.path("stages")).text()).trim().split("\n");
    expect(stages.filter((stage) => stage !== "cleanup_file_variables")).toEqual([
      "prepare_script",
      "get_sources",
      "build_script",
      "upload_artifacts_on_success",
    ]);
    await eventually(() => existsSync(lab.path("cleaned")), "cleanup_exec was called");
  });

  test("reports the script's own exit code", async () => {
    expectFailure(await lab.run({ script: ["exit 42"] }), "script_failure", 42);
  });

  test("tidies up after a job whose plugin was killed, and runs the next", async () => {
    const job = lab.enqueue({ script: ["echo up", "sleep 1000"] });
    await lab.printed(job, "up\n");
    const pids = await output(["pgrep", "-P", String(lab.process.pid), "-f", "plugin custom"]);
    process.kill(Number(pids.trim()), "SIGKILL");
    const failed = await lab.finished(job);
    expectFailure(failed, "runner_system_failure");
    expect(failed.plain).toContain(
      '(system failure): The plugin "custom": It ended with signal SIGKILL',
    );
    expectSuccess(await lab.run({ script: ["true"] }));
  });

  test("starts the driver's programs also when a variable is too long for any program", async () => {
    const job = await lab.run({
      name: "long",
      variables: { GIT_STRATEGY: "none", LONG: "x".repeat(200_000) },
      script: "echo length ${#LONG}",
    });
    expectSuccess(job);
    expect(job.lines).toContain("length 200000");
  });

  test("leaves what prepare_exec has started running until the job is over", async () => {
    const machine = () => Number(readFileSync(lab.path("machine"), "utf8"));
    const job = await lab.run({
      variables: { GIT_STRATEGY: "none" },
      // All processes of the machine are looked at after a longer stage only.
      script: ["sleep 2.5"],
      afterScript: [`grep -qa sleep /proc/$(cat ${lab.path("machine")})/cmdline && echo it runs`],
    });
    expect(job.lines).toContain("it runs");
    await eventually(() => !isAlive(machine()), "the machine has ended");
  });

  test("lets what the driver's programs have started end by itself, for a moment", async () => {
    rmSync(lab.path("tidied"), { force: true });
    expectSuccess(await lab.run({ script: ["true"] }));
    await eventually(() => existsSync(lab.path("tidied")), "it has come to its end");
  });

  test("leaves no directory of a job behind", async () => {
    await lab.run({ script: ["true"] });
    await eventually(() => readdirSync(scratch).length === 0, "the jobs' directories are gone");
  });
});

describe("pid-namespace example", () => {
  let scratch: string;
  let plugin: string;
  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), "sdk-"));
    plugin = join(scratch, "runner-executor-pid-namespace.ts");
    cpSync(join(ROOT, "examples/plugins/pid-namespace/runner-executor-pid-namespace.ts"), plugin);
    await installSdk(scratch);
  }, 60_000);
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  test("fits the types of the SDK's package", async () => {
    const flags = "--noEmit --strict --module preserve --target esnext --lib esnext --types bun " +
      "--moduleResolution bundler --allowImportingTsExtensions --skipLibCheck";
    await output([join(ROOT, "node_modules/.bin/tsc"), ...flags.split(" "), plugin], {
      cwd: scratch,
    });
  }, 60_000);

  test.skipIf(process.getuid?.() !== 0)(
    "keeps the contract of an executor (needs root)",
    async () => {
      const said = await output([EXECUTABLE, "plugin", "check", process.execPath, plugin]);
      expect(said).toContain("35 checks passed: this plugin keeps the contract");
    },
    120_000,
  );
});

describe.skipIf(missing.length > 0)(`bubblewrap example (needs python3, bwrap)`, () => {
  test("keeps the contract of an executor", async () => {
    const entry = join(tmpdir(), `bubblewrap-${crypto.randomUUID()}.toml`);
    writeFileSync(entry, `[plugin]\nenvironment = ["RUNNER_PLUGIN_SDK=${SDK}"]\n`);
    try {
      const said = await output([EXECUTABLE, "plugin", "check", "--entry", entry, EXAMPLE]);
      expect(said).toContain("35 checks passed: this plugin keeps the contract");
    } finally {
      rmSync(entry);
    }
  });

  test("runs a job from sources to artifacts in a sandbox", async () => {
    await using lab = await Lab.open({
      entry: [
        'executor = "bubblewrap"',
        "[runners.plugin]",
        `command = ["${EXAMPLE}"]`,
        `environment = ["RUNNER_PLUGIN_SDK=${SDK}"]`,
      ],
    });
    lab.start();
    const job = await lab.run({
      repository: lab.repositories.app,
      script: ["cat README.md", `[ ! -e ${lab.path("config.toml")} ]`, "echo made > made.txt"],
      artifacts: [{ name: "default", paths: ["made.txt"] }],
    });
    expectSuccess(job);
    expect(job.plain).toContain("Using bubblewrap executor...");
    expect(job.plain).toContain("made.txt: found 1 matching artifact files and directories");
    // The runner put its executable there, which is the one that found them.
    const helpers = new Bun.Glob("**/plugins/bubblewrap/helpers/*");
    const found = await Array.fromAsync(helpers.scan({ cwd: lab.path("."), dot: true }));
    expect(found).toHaveLength(1);
  });
});
