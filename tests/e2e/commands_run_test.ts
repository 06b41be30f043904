/** `run` and `run-single`: limits, reload, several coordinators. */

import { expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";

import { EmbeddedCoordinator } from "../../core/embedded/mod.ts";
import { eventually, expectSuccess, Lab } from "./lab.ts";
import { EXECUTABLE, RunnerProcess } from "./runner_process.ts";

/** The most jobs that ran at once, from when they began and ended. */
function mostAtOnce(path: string): number {
  let now = 0;
  let most = 0;
  for (const line of readFileSync(path, "utf8").trimEnd().split("\n")) {
    now += line === "begin" ? 1 : -1;
    most = Math.max(most, now);
  }
  return most;
}

async function runMany(lab: Lab, count: number): Promise<number> {
  const path = lab.path("times");
  const script = [`echo begin >> ${path}`, "sleep 0.25", `echo end >> ${path}`];
  const jobs = Array.from({ length: count }, () => lab.enqueue({ script }));
  lab.start();
  for (const job of await Promise.all(jobs.map((job) => lab.finished(job)))) expectSuccess(job);
  return mostAtOnce(path);
}

test.concurrent("concurrent is never exceeded, and is used", async () => {
  await using lab = await Lab.open({ globals: ["concurrent = 3"], requestConcurrency: 3 });
  expect(await runMany(lab, 12)).toBe(3);
}, 20_000);

test.concurrent("the log of run has GitLab Runner's lines about its start, a job and its end", async () => {
  await using lab = await Lab.open();
  expectSuccess(await lab.start().run({ script: "true" }));
  await eventually(() => lab.process.log.includes("Removed job"), "the end of the job");
  lab.process.signal("SIGQUIT");
  expect(await lab.process.exited()).toBe(0);
  const lines = lab.process.log.split("\n");
  const at = (start: string) => lines.findIndex((line) => line.startsWith(start));
  const places = [
    "Runtime platform",
    "Starting multi-runner from ",
    "listen_address not defined, metrics & debug endpoints disabled",
    "Configuration loaded",
    "Initializing executor providers",
    "[session_server].listen_address not defined, session endpoints disabled",
    "Checking for jobs... received",
    "Added job to processing list",
    "Submitting job to coordinator... ok",
    "Job succeeded",
    "Removed job from processing list",
    "All workers stopped.",
    "All executor providers shut down.",
    "Can exit now!",
  ].map(at);
  expect(places).not.toContain(-1);
  expect(places).toEqual(places.toSorted((a, b) => a - b));
  expect(lines[at("Added job to processing list")]).toMatch(
    / builds=1 correlation_id=\w+ gitlab_user_id=1 job=\d+ max_builds=8 namespace_id=1 /,
  );
  expect(lines[at("Job succeeded")]).toMatch(
    / organization_id=1 pipeline_id=\d+ project=\d+ project_full_path=local\/sample root_namespace_id=1 runner=\S+ runner_name=runner-0$/,
  );
});

test.concurrent("limit of an entry is never exceeded, and is used", async () => {
  await using lab = await Lab.open({
    globals: ["concurrent = 10"],
    entry: ["limit = 2"],
    requestConcurrency: 4,
  });
  expect(await runMany(lab, 8)).toBe(2);
}, 20_000);

test.concurrent("changed limits are in force within a second, without a restart", async () => {
  await using lab = await Lab.open({ globals: ["concurrent = 1"], requestConcurrency: 4 });
  const { pid } = lab.start().process;
  const gate = lab.gate("reload");
  const jobs = Array.from({ length: 3 }, () => lab.enqueue({ script: gate.wait }));
  await eventually(() => jobs.some((job) => job.isRunning), "the first job");
  await Bun.sleep(300);
  expect(jobs.filter((job) => job.isRunning).length).toBe(1);
  const config = readFileSync(lab.process.configPath, "utf8");
  writeFileSync(lab.process.configPath, config.replace("concurrent = 1", "concurrent = 3"));
  await eventually(
    () => lab.process.log.includes("concurrent: 1 → 3 (applies now)"),
    "the change in the log",
    1000,
  );
  await eventually(() => jobs.every((job) => job.isRunning), "all jobs running");
  gate.open();
  for (const job of jobs) expectSuccess(await lab.finished(job));
  expect(lab.process.pid).toBe(pid);
});

test.concurrent(
  "an added runner gets jobs, a removed one asks no more, a broken file changes nothing",
  async () => {
    await using lab = await Lab.open();
    await using second = await EmbeddedCoordinator.start({ longPollHandsOut: true });
    const added = second.addRunner({ checkIntervalMs: 1000 });
    lab.start();
    expectSuccess(await lab.run({ script: "true" }));
    const path = lab.process.configPath;
    const config = readFileSync(path, "utf8");

    writeFileSync(path, `${config}\n[[runners]]\nname = = broken`);
    await eventually(
      () => lab.process.log.includes("Failed to load config"),
      "the error in the log",
    );
    expect(lab.process.log).toMatch(/config\.toml:\d+:\d+/);
    expectSuccess(await lab.run({ script: "true" }));

    const entry = `\n[[runners]]\nname = "added"\nurl = "${second.url}"\n` +
      `token = "${added.token}"\nexecutor = "shell"\n`;
    writeFileSync(path, config + entry);
    expect((await second.enqueue({ script: "true" }).finished).state).toBe("success");

    writeFileSync(path, config);
    await eventually(
      () => /removed|added/.test(lab.process.log.split("broken").at(-1) ?? ""),
      "log",
    );
    await Bun.sleep(1500);
    const late = second.enqueue({ script: "true" });
    expectSuccess(await lab.run({ script: "true" }));
    await Bun.sleep(1200);
    expect(late.state).toBe("pending");
  },
  20_000,
);

test.concurrent("a coordinator that hangs and one that is away hold up no other", async () => {
  await using lab = await Lab.open({ globals: ["concurrent = 2"] });
  const hanging = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    fetch: () => new Promise<Response>(() => {}),
  });
  try {
    lab.process.configure([
      { url: `http://127.0.0.1:${hanging.port}`, token: "glrt-t1_hanginghanging", name: "hangs" },
      { url: "http://127.0.0.1:9", token: "glrt-t1_awayawayawayaway", name: "away" },
      { url: lab.coordinator.url, token: lab.runner.token, name: "works" },
    ], ["concurrent = 2"]);
    lab.start();
    for (let n = 0; n < 2; n++) {
      const started = performance.now();
      expect((await lab.enqueue({ script: "true" }).finished).state).toBe("success");
      expect(performance.now() - started).toBeLessThan(4000);
    }
    await eventually(
      () => lab.process.log.includes('Cannot connect to "127.0.0.1:9"'),
      "the coordinator that is away, in the log",
    );
  } finally {
    await hanging.stop(true);
  }
}, 20_000);

test.concurrent("run-single takes --max-builds jobs and exits", async () => {
  await using coordinator = await EmbeddedCoordinator.start({ longPollHandsOut: true });
  await using runner = new RunnerProcess();
  const { token } = coordinator.addRunner();
  const jobs = [1, 2].map((n) => coordinator.enqueue({ script: `echo ${n}` }));
  const { code } = await runner.command([
    "run-single",
    ...["--url", coordinator.url, "--token", token, "--executor", "shell", "--max-builds", "2"],
    ...["--builds-dir", `${runner.dir}/builds`, "--cache-dir", `${runner.dir}/cache`],
  ], { env: { CONFIG_FILE: `${runner.dir}/none.toml` } });
  expect(code).toBe(0);
  for (const job of jobs) expect((await job.finished).state).toBe("success");
}, 20_000);

test.concurrent("run-single exits after --wait-timeout without a job", async () => {
  await using coordinator = await EmbeddedCoordinator.start();
  await using runner = new RunnerProcess();
  runner.configure([{ url: coordinator.url, token: coordinator.addRunner().token, name: "mine" }]);
  const started = performance.now();
  const { code } = await runner.command([
    "run-single",
    ...["--config", runner.configPath, "--runner", "mine", "--wait-timeout", "1"],
  ]);
  expect(code).toBe(0);
  expect(performance.now() - started).toBeGreaterThan(900);
}, 20_000);

test.concurrent.each([
  ["--executor=shell", "--shell=fish", "--url=http://127.0.0.1:1", 'Unknown shell "fish"'],
  ["--executor=nope", "--shell=", "--url=http://127.0.0.1:1", 'unknown executor "nope"'],
  ["--executor=shell", "--shell=", "--url=no-url", 'the coordinator URL "no-url"'],
])(
  "run-single that cannot use its runner says why and exits with 1 (%s %s %s)",
  async (executor, shell, url, named) => {
    await using runner = new RunnerProcess();
    const argv = ["run-single", "--token", "glrt-x", executor, shell, url];
    const { code, stderr } = await runner.command(argv);
    expect(code).toBe(1);
    expect(stderr).toContain(named);
  },
);

test.concurrent("run-single answers SIGUSR1 as run does", async () => {
  await using coordinator = await EmbeddedCoordinator.start();
  await using runner = new RunnerProcess();
  const added = coordinator.addRunner();
  runner.configure([{ url: coordinator.url, token: added.token, name: "mine" }]);
  const child = Bun.spawn([
    EXECUTABLE,
    ...["run-single", "-c", runner.configPath, "-r", "mine", "--wait-timeout", "3"],
  ], { cwd: runner.dir, env: runner.env, stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  await eventually(() => added.managers.size > 0, "the first request");
  child.kill("SIGUSR1");
  expect(await new Response(child.stderr).text()).toContain("State of this process");
  expect(await child.exited).toBe(0);
}, 20_000);

test.concurrent("run --working-directory is where relative directories begin", async () => {
  await using coordinator = await EmbeddedCoordinator.start({ longPollHandsOut: true });
  await using runner = new RunnerProcess();
  const { token } = coordinator.addRunner();
  const entry = `url = "${coordinator.url}"\ntoken = "${token}"\nexecutor = "shell"\nname = "x"\n`;
  writeFileSync(runner.configPath, `check_interval = 1\n[[runners]]\n${entry}`, { mode: 0o600 });
  runner.start();
  expect((await coordinator.enqueue({ script: "true" }).finished).state).toBe("success");
  expect(existsSync(`${runner.dir}/work/builds`)).toBe(true);
});

test.concurrent("a file that is whole again is told, also when nothing else has changed", async () => {
  await using lab = await Lab.open();
  const { process } = lab.start();
  await eventually(() => process.log.includes("Configuration loaded"), "the start");
  const whole = readFileSync(process.configPath, "utf8");
  writeFileSync(process.configPath, `${whole}\nlimit = = 2\n`);
  await eventually(() => process.log.includes("the old one stays in force"), "the error");
  writeFileSync(process.configPath, whole);
  await eventually(() => process.log.includes("Configuration loaded, nothing has changed"), "it");
});

test.concurrent("a log level that is none keeps the old configuration in force", async () => {
  await using lab = await Lab.open();
  const { process } = lab.start();
  await eventually(() => process.log.includes("Configuration loaded"), "the start");
  const text = readFileSync(process.configPath, "utf8").replace(/^log_level.*$/m, "");
  writeFileSync(process.configPath, `log_level = "loud"\n${text.replace("= 8", "= 9")}`);
  await eventually(() => process.log.includes("log_level: expected debug, info"), "the error");
  expect(process.log).not.toContain("concurrent: 8 → 9");
  expect(process.log).not.toContain("internal error");
});
