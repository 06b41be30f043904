/** What an operator gets wrong: the configuration, the address, the token, the certificate. */

import { expect, test } from "bun:test";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";

import { EmbeddedCoordinator } from "../../core/embedded/mod.ts";
import { makeCertificate } from "./certificates.ts";
import { eventually, RunnerProcess } from "./runner_process.ts";

/** A whole run of `runner run` that is expected to end by itself. */
async function runWith(config: string): Promise<{ code: number; stderr: string }> {
  await using runner = new RunnerProcess();
  writeFileSync(runner.configPath, config, { mode: 0o600 });
  return await runner.command(["run", "--config", runner.configPath]);
}

/** No user is shown where in our code a mistake of theirs was found. */
function expectNoStack(text: string): void {
  expect(text).not.toMatch(/^\s+at .*[:(]\d+/m);
  expect(text).not.toContain("$bunfs");
}

test.concurrent("a TOML syntax error names file, line and column, and ends the program", async () => {
  const { code, stderr } = await runWith("concurrent = 1\nlog_level = = 1\n");
  expect(code).toBe(1);
  expect(stderr).toMatch(/FATAL: .*config\.toml:2:\d+ /);
  expectNoStack(stderr);
});

test.concurrent("all wrong values are told at once, each with its line and key", async () => {
  const { code, stderr } = await runWith(
    'concurrent = "x"\ncheck_interval = [1]\n[[runners]]\nname = "n"\nurl = 7\ntoken = "t"\n' +
      'executor = "shell"\nlimit = "a"\n[runners.cache]\nShared = "yes"\n',
  );
  expect(code).toBe(1);
  expect(stderr).toContain('config.toml:1 concurrent: expected an integer, got "x"');
  expect(stderr).toContain("config.toml:2 check_interval:");
  expect(stderr).toContain("config.toml:5 runners[0].url: expected a string, got 7");
  expect(stderr).toContain('config.toml:8 runners[0].limit: expected an integer, got "a"');
  expect(stderr).toContain("config.toml:10 runners[0].cache.Shared:");
  expectNoStack(stderr);
});

test.concurrent(
  "concurrent = 0 asks for no jobs: run refuses it, and keeps the old one at a reload",
  async () => {
    const told = "Current configuration 'concurrent = 0' means that no jobs will be processed";
    const { code, stderr } = await runWith("concurrent = 0\n");
    expect(code).toBe(1);
    expect(stderr).toContain(`FATAL: ${told}`);
    await using coordinator = await EmbeddedCoordinator.start({ longPollHandsOut: true });
    await using runner = new RunnerProcess();
    runner.configure([{ url: coordinator.url, token: coordinator.addRunner().token }]);
    runner.start();
    expect((await coordinator.enqueue({ script: "true" }).finished).state).toBe("success");
    const text = await Bun.file(runner.configPath).text();
    await Bun.write(runner.configPath, text.replace("concurrent = 8", "concurrent = 0"));
    await eventually(
      () => runner.log.includes("the old one stays in force") && runner.log.includes(told),
      "the error",
    );
    expect((await coordinator.enqueue({ script: "true" }).finished).state).toBe("success");
  },
  30_000,
);

test.concurrent("a missing configuration is named and waited for", async () => {
  await using coordinator = await EmbeddedCoordinator.start({ longPollHandsOut: true });
  await using runner = new RunnerProcess();
  const { token } = coordinator.addRunner();
  const config = `${runner.dir}/new/config.toml`;
  runner.start(["--config", config]);
  await eventually(() => runner.log.includes(`Cannot read configuration "${config}"`), "the error");
  expect(runner.log).toContain("register");
  expect((await runner.command(register(coordinator.url, config, token))).code).toBe(0);
  await eventually(() => runner.log.includes("added (applies now)"), "the new entry", 1000);
  expect((await coordinator.enqueue({ script: "true" }).finished).state).toBe("success");
});

test.concurrent("a level or format of the log that is none is told like any wrong value", async () => {
  const { code, stderr } = await runWith('log_level = "loud"\nlog_format = "xml"\n');
  expect(code).toBe(1);
  expect(stderr).toContain(
    'config.toml:1 log_level: expected debug, info, warn, error, fatal or panic, got "loud"',
  );
  expect(stderr).toContain('config.toml:2 log_format: expected runner, text or json, got "xml"');
  expectNoStack(stderr);
});

test.concurrent("a wrong value of a secret key is not shown", async () => {
  const { code, stderr } = await runWith(
    '[[runners]]\nname = "n"\nurl = "http://x"\ntoken = ["glrt-very-secret"]\nexecutor = "shell"\n',
  );
  expect(code).toBe(1);
  expect(stderr).toContain("runners[0].token");
  expect(stderr).not.toContain("glrt-very-secret");
});

const register = (url: string, config: string, token = "glrt-t1_sometokensometoken") => [
  "register",
  "-n",
  ...["--config", config, "--url", url, "--token", token, "--executor", "shell"],
];

test.concurrent("an address that nobody answers is named", async () => {
  await using runner = new RunnerProcess();
  const { code, stderr } = await runner.command(register("http://127.0.0.1:9", runner.configPath));
  expect(code).toBe(1);
  expect(stderr).toContain('Cannot connect to "127.0.0.1:9": connection refused');
  expect(existsSync(runner.configPath)).toBe(false);
  expectNoStack(stderr);
});

test.concurrent("a host name that does not exist is named", async () => {
  await using runner = new RunnerProcess();
  const url = "http://no-such-host.invalid";
  const { code, stderr } = await runner.command(register(url, runner.configPath));
  expect(code).toBe(1);
  expect(stderr).toContain("no-such-host.invalid");
  expectNoStack(stderr);
}, 30_000);

test.concurrent("an address that is no URL is quoted", async () => {
  await using runner = new RunnerProcess();
  const { code, stderr } = await runner.command(register("not a url", runner.configPath));
  expect(code).toBe(1);
  expect(stderr).toContain('Cannot use the coordinator URL "not a url"');
});

test.concurrent("a server that is no GitLab is said to be none", async () => {
  await using runner = new RunnerProcess();
  using server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) =>
      new URL(request.url).pathname.startsWith("/api")
        ? new Response("<html>It works!</html>", { headers: { "Content-Type": "text/html" } })
        : new Response("Not found", { status: 404 }),
  });
  const url = `http://127.0.0.1:${server.port}`;
  const { code, stderr } = await runner.command(register(url, runner.configPath));
  expect(code).toBe(1);
  expect(stderr).toContain("200 OK is a web page, so it does not come from GitLab's API");
  expect(stderr).not.toContain("is valid");
  expect(existsSync(runner.configPath)).toBe(false);
  expectNoStack(stderr);
});

test.concurrent("a wrong token is told on the log, and the other runner works on", async () => {
  await using coordinator = await EmbeddedCoordinator.start({ longPollHandsOut: true });
  await using runner = new RunnerProcess();
  runner.configure([
    { url: coordinator.url, token: "glrt-t1_wrongwrongwrongwrong", name: "wrong" },
    { url: coordinator.url, token: coordinator.addRunner().token, name: "right" },
  ]);
  runner.start();
  expect((await coordinator.enqueue({ script: "true" }).finished).state).toBe("success");
  await eventually(() => /wrongwron.*forbidden|forbidden.*wrongwron/i.test(runner.log), runner.log);
  expect(runner.log).not.toContain("glrt-t1_wrongwrongwrongwrong");
});

test.concurrent("a certificate that nobody vouches for is refused, and taken when it is given", async () => {
  await using runner = new RunnerProcess();
  const { cert, key, certPath } = await makeCertificate(`${runner.dir}/tls`);
  await using coordinator = await EmbeddedCoordinator.start({ tls: { cert, key } });
  const { token } = coordinator.addRunner();
  const args = register(coordinator.url, runner.configPath, token);
  const refused = await runner.command(args);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/certificate/i);
  expect(refused.stderr).toContain("127.0.0.1");
  expectNoStack(refused.stderr);
  const byFlag = await runner.command([...args, "--tls-ca-file", certPath]);
  expect(byFlag.code).toBe(0);
  mkdirSync(`${runner.dir}/other/certs`, { recursive: true });
  copyFileSync(certPath, `${runner.dir}/other/certs/127.0.0.1.crt`);
  const beside = `${runner.dir}/other/config.toml`;
  expect((await runner.command(register(coordinator.url, beside, token))).code).toBe(0);
});

test.concurrent("an expired certificate is said to be expired", async () => {
  await using runner = new RunnerProcess();
  const { cert, key, certPath } = await makeCertificate(`${runner.dir}/tls`, { expired: true });
  await using coordinator = await EmbeddedCoordinator.start({ tls: { cert, key } });
  const { token } = coordinator.addRunner();
  const { code, stderr } = await runner.command([
    ...register(coordinator.url, runner.configPath, token),
    ...["--tls-ca-file", certPath],
  ]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/expired/i);
});

test.concurrent("a listen_address that is taken is told, and jobs run all the same", async () => {
  await using coordinator = await EmbeddedCoordinator.start({ longPollHandsOut: true });
  await using runner = new RunnerProcess();
  const taken = new URL(coordinator.url).host;
  runner.configure([{ url: coordinator.url, token: coordinator.addRunner().token }], [
    `listen_address = "${taken}"`,
  ]);
  runner.start();
  expect((await coordinator.enqueue({ script: "true" }).finished).state).toBe("success");
  expect(runner.log).toContain(taken);
  expect(runner.log).toMatch(/in use/);
});

test.concurrent.each([
  ["executor", 'executor = "teleport"', "teleport"],
  ["shell", 'executor = "shell"\nshell = "fish"', 'Unknown shell "fish"; this build has bash, sh'],
])("an unknown %s is named, and the other runner works on", async (_, lines, named) => {
  await using coordinator = await EmbeddedCoordinator.start({ longPollHandsOut: true });
  await using runner = new RunnerProcess();
  runner.configure([{ url: coordinator.url, token: coordinator.addRunner().token }]);
  const text = readFileSync(runner.configPath, "utf8");
  const other = `\n[[runners]]\nname = "odd"\nurl = "${coordinator.url}"\ntoken = "t"\n${lines}\n`;
  writeFileSync(runner.configPath, text + other);
  runner.start();
  expect((await coordinator.enqueue({ script: "true" }).finished).state).toBe("success");
  expect(runner.log).toContain(named);
  expect(runner.log).toContain("runner_name=odd");
});
