/** Commands about runners that are configured, and about the program itself. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, existsSync, writeFileSync } from "node:fs";

import { EmbeddedCoordinator } from "../../core/embedded/mod.ts";
import { readConfig } from "./config_toml.ts";
import { output } from "./lab.ts";
import { EXECUTABLE, RunnerProcess } from "./runner_process.ts";

let coordinator: EmbeddedCoordinator;
beforeAll(async () => {
  coordinator = await EmbeddedCoordinator.start();
});
afterAll(async () => await coordinator.stop());

const DEAD = "glrt-t1_deaddeaddeaddeaddead";

/** A configuration with the runners `alive` and, unknown to GitLab, `dead`. */
async function withRunners(
  work: (runner: RunnerProcess, alive: string) => Promise<void>,
): Promise<void> {
  await using runner = new RunnerProcess();
  const alive = coordinator.addRunner().token;
  runner.configure([
    { url: coordinator.url, token: alive, name: "alive" },
    { url: coordinator.url, token: DEAD, name: "dead" },
  ], ["# kept comment"]);
  await work(runner, alive);
}

test("verify tells who is valid, and --delete removes only who is not", () =>
  withRunners(async (runner, alive) => {
    const verify = ["verify", "--config", runner.configPath];
    const told = await runner.command(verify);
    expect(told.code).toBe(1);
    expect(told.stderr).toMatch(
      /Verifying runner\.\.\. is valid .*runner=\w{9} runner_name=alive\n/,
    );
    expect(told.stderr).toMatch(
      /ERROR: Verifying runner\.\.\. is not valid .*runner=\w{9} runner_name=dead\n/,
    );
    expect(told.stderr).toContain("FATAL: Failed to verify runners");
    const one = await runner.command([...verify, "--name", "alive"]);
    expect(one.code).toBe(0);
    const deleted = await runner.command([...verify, "--delete"]);
    expect(deleted.code).toBe(0);
    expect(deleted.stderr).toContain(`Updated ${runner.configPath}`);
    const { text, entries } = readConfig(runner.configPath);
    expect(entries.map(({ token }) => token)).toEqual([alive]);
    expect(text).toContain("# kept comment");
  }));

test("what list shows of a runner names it for verify and unregister", () =>
  withRunners(async (runner, alive) => {
    const config = ["--config", runner.configPath];
    const listed = await runner.command(["list", ...config]);
    const shown = /^alive .* Token=(\w{9}) URL=(\S+)/m.exec(listed.stderr);
    expect(shown).not.toBeNull();
    const [, token = "", url = ""] = shown ?? [];
    expect(alive).toContain(token);
    const named = [...config, "--url", url, "--token", token];
    expect((await runner.command(["verify", ...named])).code).toBe(0);
    const { code, stderr } = await runner.command(["unregister", ...named]);
    expect(code).toBe(0);
    expect(stderr).toContain("Unregistering runner manager from GitLab succeeded");
    const { entries } = readConfig(runner.configPath);
    expect(entries.map(({ token }) => token)).toEqual([DEAD]);
  }));

test("verify --delete keeps runners whose GitLab cannot be reached", async () => {
  await using runner = new RunnerProcess();
  runner.configure([{ url: "http://127.0.0.1:9", token: DEAD }]);
  const { code, stderr } = await runner.command(["verify", "--delete", "-c", runner.configPath]);
  expect(code).toBe(1);
  expect(stderr).toContain('Cannot connect to "127.0.0.1:9": connection refused');
  expect(readConfig(runner.configPath).entries.length).toBe(1);
});

test("verify --delete keeps runners when a proxy in front of GitLab refuses", async () => {
  await using runner = new RunnerProcess();
  using proxy = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () =>
      new Response("<html>Blocked</html>", {
        status: 403,
        headers: { "Content-Type": "text/html" },
      }),
  });
  runner.configure([{ url: `http://127.0.0.1:${proxy.port}`, token: DEAD }]);
  const { code } = await runner.command(["verify", "--delete", "-c", runner.configPath]);
  expect(code).toBe(1);
  expect(readConfig(runner.configPath).entries.length).toBe(1);
});

test("unregister deletes this manager at GitLab, then the entry", () =>
  withRunners(async (runner, alive) => {
    const known = coordinator.runners().find(({ token }) => token === alive);
    await runner.command(["verify", "--config", runner.configPath]);
    expect(known?.managers.size).toBe(1);
    const { code, stderr } = await runner.command([
      "unregister",
      ...["--config", runner.configPath, "--name", "alive"],
    ]);
    expect(code).toBe(0);
    expect(stderr).toContain("Unregistering runner manager from GitLab succeeded");
    expect(known?.managers.size).toBe(0);
    expect(readConfig(runner.configPath).entries.map(({ name }) => name)).toEqual(["dead"]);
  }));

test("reset-token puts GitLab's new token into the file", () =>
  withRunners(async (runner, alive) => {
    const { code, stdout, stderr } = await runner.command([
      "reset-token",
      ...["--config", runner.configPath, "--name", "alive"],
    ]);
    expect(code).toBe(0);
    const [entry] = readConfig(runner.configPath).entries;
    expect(entry?.token).not.toBe(alive);
    expect(coordinator.runners().some(({ token }) => token === entry?.token)).toBe(true);
    expect(stdout + stderr).not.toContain(entry?.token ?? "");
  }));

test("list names each runner with a short token", () =>
  withRunners(async (runner, alive) => {
    const { code, stderr } = await runner.command(["list", "--config", runner.configPath]);
    expect(code).toBe(0);
    expect(stderr).toContain(`Listing configured runners`);
    expect(stderr).toContain(`ConfigFile=${runner.configPath}`);
    expect(stderr).toMatch(/^alive +Executor=shell Token=\w{9} URL=http:/m);
    expect(stderr).not.toContain(alive);
  }));

test("lint is content with a good file and lists every problem of a bad one", () =>
  withRunners(async (runner) => {
    const good = await runner.command(["lint", "--config", runner.configPath]);
    expect(good).toMatchObject({ code: 0 });
    const bad = `${runner.dir}/bad.toml`;
    writeFileSync(
      bad,
      'concurrent = "x"\n[[runners]]\nname = "n"\nurl = 7\ntoken = "t"\nexecutor = "shell"\nlimit = "a"\n',
    );
    const { code, stderr } = await runner.command(["lint", "--config", bad]);
    expect(code).toBe(1);
    expect(stderr).toContain('bad.toml:1 concurrent: expected an integer, got "x"');
    expect(stderr).toContain("bad.toml:4 runners[0].url: expected a string, got 7");
    expect(stderr).toContain('bad.toml:7 runners[0].limit: expected an integer, got "a"');
  }));

test("lint names unknown keys and unknown executors", () =>
  withRunners(async (runner) => {
    const path = `${runner.dir}/unknown.toml`;
    writeFileSync(
      path,
      'typo = 1\n[[runners]]\nname = "n"\nurl = "http://x"\ntoken = "t"\nexecutor = "nope"\n',
    );
    const { code, stderr } = await runner.command(["lint", "--config", path]);
    expect(code).toBe(1);
    expect(stderr).toContain("typo");
    expect(stderr).toContain('unknown executor "nope"');
  }));

test("lint names values that would be passed over, or found out by a job", () =>
  withRunners(async (runner) => {
    const path = `${runner.dir}/values.toml`;
    const lines = [
      '[[runners]]\nname = "n"\nurl = "http://x"\ntoken = "t"\nexecutor = "shell"',
      'shell = "fish"\nenvironment = ["GOOD=1", "BAD"]\nIdleCount = 2',
      '[[runners.monitoring.job_queuing_durations]]\nperiods = ["often"]\nthreshold = "1m"',
    ];
    writeFileSync(path, lines.join("\n"));
    const { code, stderr } = await runner.command(["lint", "--config", path]);
    expect(code).toBe(1);
    expect(stderr).toContain('Runner "n": Unknown shell "fish"; this build has bash, sh');
    expect(stderr).toContain('Runner "n": environment: expected KEY=value, got "BAD"');
    expect(stderr).toContain(
      "runners[0].IdleCount: unknown key, did you mean runners[].machine.IdleCount?",
    );
    expect(stderr).toContain(
      'Runner "n": monitoring.job_queuing_durations[0]: "often" has 1 fields, not 5 to 7',
    );
  }));

test("--version prints GitLab Runner's lines in their order", async () => {
  const lines = (await output([EXECUTABLE, "--version"])).trimEnd().split("\n");
  expect(lines.slice(0, 6).map((line) => line.replace(/:.*/, "")))
    .toEqual(["Version", "Git revision", "Git branch", "GO version", "Built", "OS/Arch"]);
  expect(lines[0]).toMatch(/^Version: {6}\d+\.\d+\.\d+$/);
  expect(lines[5]).toMatch(/^OS\/Arch: {6}linux\/(amd64|arm64)$/);
});

test("--help lists the commands of GitLab Runner that are there", async () => {
  const help = await output([EXECUTABLE, "--help"]);
  const commands = ["run", "run-single", "register", "verify", "unregister", "reset-token", "list"];
  const helpers = ["artifacts-uploader", "artifacts-downloader", "cache-archiver"];
  for (const name of [...commands, ...helpers, "lint", "cache-extractor", "health-check"]) {
    expect(help).toMatch(new RegExp(`^  ${name} {2,}\\S`, "m"));
  }
});

test("help of every command says what it does and ends well", async () => {
  const help = await output([EXECUTABLE, "--help"]);
  const names = [...help.matchAll(/^ {2}([a-z][a-z-]+) {2,}\S/gm)].map(([, name]) => name ?? "");
  expect(names.length).toBeGreaterThan(15);
  const texts = await Promise.all(names.map((name) => output([EXECUTABLE, name, "--help"])));
  for (const [index, text] of texts.entries()) {
    expect(text).toMatch(new RegExp(`^(Usage: runner )?${names[index]}\\b`));
  }
});

test("a command line that cannot be understood exits with 1 and names what is wrong", async () => {
  await using runner = new RunnerProcess();
  expect(await runner.command(["nonsense"])).toMatchObject({
    code: 1,
    stderr: "runner: unknown command 'nonsense'\n(runner help lists the commands)\n",
  });
  const flag = await runner.command(["run", "--nonsense"]);
  expect(flag.code).toBe(1);
  expect(flag.stderr).toContain("unknown option '--nonsense'");
});

test("completion of bash completes commands and flags", async () => {
  await using runner = new RunnerProcess();
  const script = await output([EXECUTABLE, "completion", "bash"]);
  const path = `${runner.dir}/completion.bash`;
  writeFileSync(path, script);
  const complete = async (words: string) =>
    await output([
      "bash",
      "-c",
      [
        `. ${path}`,
        `COMP_WORDS=(${words}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))`,
        "_runner; printf '%s\\n' \"${COMPREPLY[@]}\"",
      ].join("\n"),
    ]);
  expect(await complete("runner reg")).toBe("register\n");
  expect((await complete("runner verify --del")).trim()).toBe("--delete");
});

test.skipIf(process.getuid?.() !== 0)(
  "a configuration of somebody else is named when it cannot be read (needs root)",
  async () => {
    await using runner = new RunnerProcess();
    runner.configure([{ url: coordinator.url, token: DEAD }]);
    chmodSync(runner.dir, 0o755);
    const child = Bun.spawn([
      "setpriv",
      "--reuid=65534",
      "--regid=65534",
      "--clear-groups",
      "--",
      EXECUTABLE,
      "list",
      "--config",
      runner.configPath,
    ], {
      env: runner.env,
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    });
    const [stderr, code] = await Promise.all([new Response(child.stderr).text(), child.exited]);
    expect(code).toBe(1);
    expect(stderr).toContain(runner.configPath);
    expect(stderr).toContain("permission");
    expect(existsSync(runner.configPath)).toBe(true);
  },
);
