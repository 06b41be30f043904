/** `register` as a person and as a script use it, against a coordinator. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { EmbeddedCoordinator } from "../../core/embedded/mod.ts";
import { readConfig } from "./config_toml.ts";
import { eventually, EXECUTABLE, RunnerProcess } from "./runner_process.ts";

const REGISTRATION_TOKEN = "GR1348941registration";

let coordinator: EmbeddedCoordinator;
let runner: RunnerProcess;
beforeAll(async () => {
  coordinator = await EmbeddedCoordinator.start({ registrationToken: REGISTRATION_TOKEN });
  runner = new RunnerProcess();
});
afterAll(async () => {
  await runner[Symbol.asyncDispose]();
  await coordinator.stop();
});

let lastConfig = 0;
/** A path of its own for each test, in a directory that does not exist yet. */
function newConfig(): string {
  return join(runner.dir, `config-${++lastConfig}`, "config.toml");
}

test("register --non-interactive with an authentication token verifies it and writes a private file", async () => {
  const config = newConfig();
  const known = coordinator.addRunner();
  const { code, stderr } = await runner.command([
    "register",
    "--non-interactive",
    "--config",
    config,
    ...["--url", coordinator.url, "--token", known.token, "--executor", "shell", "--name", "mine"],
  ]);
  expect(code).toBe(0);
  expect(stderr).toContain("Verifying runner... is valid");
  expect(stderr).toContain(
    "Runner registered successfully. Feel free to start it, but if it's running already the " +
      "config should be automatically reloaded!",
  );
  expect(stderr).toContain(
    `Configuration (with the authentication token) was saved in "${config}"`,
  );
  expect(stderr).not.toContain(known.token);
  const { entries, mode } = readConfig(config);
  expect(mode).toBe(0o600);
  expect(entries).toMatchObject([{
    name: "mine",
    url: coordinator.url,
    token: known.token,
    id: known.id,
    executor: "shell",
  }]);
  const systemId = join(dirname(config), ".runner_system_id");
  expect(await Bun.file(systemId).text()).toMatch(/^[sr]_[0-9a-zA-Z]{12}$/);
  expect(statSync(systemId).mode & 0o777).toBe(0o600);
  expect([...known.managers.keys()]).toEqual([await Bun.file(systemId).text()]);
});

test("register with a registration token makes a runner at GitLab, by flags and by variables", async () => {
  for (const byVariables of [false, true]) {
    const config = newConfig();
    const before = coordinator.runners().length;
    const flags = byVariables
      ? []
      : ["--url", coordinator.url, "--registration-token", REGISTRATION_TOKEN];
    const { code, stderr } = await runner.command([
      "register",
      "-n",
      ...[
        "--config",
        config,
        "--executor",
        "shell",
        "--tag-list",
        "a,b",
        "--description",
        "legacy",
      ],
      ...flags,
    ], {
      env: byVariables
        ? { CI_SERVER_URL: coordinator.url, REGISTRATION_TOKEN }
        : { CI_SERVER_URL: "http://127.0.0.1:9" },
    });
    expect(code).toBe(0);
    expect(stderr).toContain("Registering runner... succeeded");
    const made = coordinator.runners().at(before);
    expect(made).toMatchObject({ description: "legacy", tags: ["a", "b"], runUntagged: false });
    expect(readConfig(config).entries).toMatchObject([{ name: "legacy", token: made?.token }]);
  }
});

test("register asks on a terminal, does not show the token, and repeats a wrong answer", async () => {
  if (Bun.which("script") === null) throw new Error("script (bsdutils) is not installed");
  const config = newConfig();
  const known = coordinator.addRunner();
  const command = `${EXECUTABLE} register --config ${config}`;
  const child = Bun.spawn(["script", "-qec", command, "/dev/null"], {
    cwd: runner.dir,
    env: { ...runner.env, TERM: "xterm", SHELL: "/bin/sh" },
    stdin: "pipe",
    stdout: "pipe",
  });
  let screen = "";
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const bytes of child.stdout) screen += decoder.decode(bytes, { stream: true });
  })();
  const answer = async (question: string, text: string) => {
    await eventually(() => screen.includes(question), `${question} on ${JSON.stringify(screen)}`);
    screen = screen.slice(screen.indexOf(question) + question.length);
    child.stdin.write(`${text}\r`);
    await child.stdin.flush();
  };
  await answer(
    "Enter the GitLab instance URL (for example, https://gitlab.com/):",
    coordinator.url,
  );
  await answer("Enter the registration token:", known.token);
  await answer(
    "Enter a name for the runner. This is stored only in the local config.toml file:",
    "tty",
  );
  await answer("Enter an executor:", "nonsense");
  await answer("Enter an executor:", "shell");
  await eventually(
    () => screen.includes("Runner registered successfully"),
    "success on the screen",
  );
  expect(screen).not.toContain(known.token);
  await child.stdin.end();
  expect(await child.exited).toBe(0);
  await reading;
  expect(readConfig(config).entries).toMatchObject([{ name: "tty", token: known.token }]);
});

test("register takes answers from a pipe", async () => {
  const config = newConfig();
  const known = coordinator.addRunner();
  const { code } = await runner.command(["register", "--config", config], {
    stdin: `${coordinator.url}\n${known.token}\npiped\nshell\n`,
  });
  expect(code).toBe(0);
  expect(readConfig(config).entries).toMatchObject([{ name: "piped", executor: "shell" }]);
});

test("register fills in from a template what flags leave open", async () => {
  const config = newConfig();
  const template = join(runner.dir, "template.toml");
  writeFileSync(
    template,
    '[[runners]]\nlimit = 3\nbuilds_dir = "/template/builds"\nenvironment = ["A=1"]\n' +
      "[runners.feature_flags]\nFF_TIMESTAMPS = false\n",
  );
  const { code } = await runner.command([
    "register",
    "-n",
    ...["--config", config, "--template-config", template, "--url", coordinator.url],
    ...["--token", coordinator.addRunner().token, "--executor", "shell", "--builds-dir", "/flag"],
  ]);
  expect(code).toBe(0);
  expect(readConfig(config).entries).toMatchObject([{
    limit: 3,
    builds_dir: "/flag",
    environment: ["A=1"],
    feature_flags: { FF_TIMESTAMPS: false },
  }]);
});

test("register with a token that GitLab does not know writes nothing", async () => {
  const config = newConfig();
  const wrong = "glrt-t1_unknownunknownunknown";
  const { code, stderr } = await runner.command([
    "register",
    "-n",
    ...["--config", config, "--url", coordinator.url, "--token", wrong, "--executor", "shell"],
  ]);
  expect(code).toBe(1);
  expect(stderr).toContain("Verifying runner... is not valid");
  expect(stderr).toContain("Failed to verify the runner.");
  expect(stderr).not.toContain(wrong);
  expect(existsSync(config)).toBe(false);
});

const COMMENTED = `# Before everything
concurrent = 4 # jobs at once
unknown_key = "kept" # from another version

[session_server]
  # nothing yet
  session_timeout = 1800

# The first runner
[[runners]]
  name = "first" # its name
  url = "http://127.0.0.1:9"
  token = "glrt-firstfirstfirstfirst"
  executor = "shell"
  future_setting = { a = 1 }
  [runners.future_table]
    # kept, too
    value = [1, 2] # and this
`;

test("register keeps comments, order and unknown keys of the file", async () => {
  const config = join(runner.dir, "commented.toml");
  writeFileSync(config, COMMENTED, { mode: 0o644 });
  const { code } = await runner.command([
    "register",
    "-n",
    ...["--config", config, "--url", coordinator.url, "--token", coordinator.addRunner().token],
    ...["--executor", "shell", "--name", "second"],
  ]);
  expect(code).toBe(0);
  const { text, mode, entries } = readConfig(config);
  expect(text).toStartWith(COMMENTED.trimEnd());
  expect(mode).toBe(0o600);
  expect(entries.map(({ name }) => name)).toEqual(["first", "second"]);
});

test("four registrations at once keep comments, and all four entries", async () => {
  const config = join(runner.dir, "at-once.toml");
  writeFileSync(config, COMMENTED, { mode: 0o600 });
  const runs = await Promise.all(["a", "b", "c", "d"].map((name) =>
    runner.command([
      "register",
      "-n",
      ...["--config", config, "--url", coordinator.url, "--token", coordinator.addRunner().token],
      ...["--executor", "shell", "--name", name],
    ])
  ));
  expect(runs.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
  const { text, entries } = readConfig(config);
  expect(text).toStartWith(COMMENTED.trimEnd());
  expect(entries.map(({ name }) => name).sort()).toEqual(["a", "b", "c", "d", "first"]);
});

test("register takes the executor of a plugin that is there, and no other unknown one", async () => {
  const { token } = coordinator.addRunner();
  const bin = join(runner.dir, "bin");
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, "runner-executor-sandbox"), "#!/bin/sh\n", { mode: 0o755 });
  const env = { PATH: `${bin}:${runner.env["PATH"]}` };
  const args = (config: string, executor: string) => [
    ...["register", "-n", "-c", config, "-u", coordinator.url],
    ...["--token", token, "--executor", executor],
  ];
  const config = newConfig();
  const there = await runner.command(args(config, "sandbox"), { env });
  expect(there.code).toBe(0);
  expect(there.stderr).not.toContain("takes no jobs");
  expect(readConfig(config).entries).toMatchObject([{ executor: "sandbox" }]);
  const missing = await runner.command(args(newConfig(), "sandbox"));
  expect(missing.code).toBe(1);
  expect(missing.stderr).toContain('Invalid executor specified: "sandbox"');
});
