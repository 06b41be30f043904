/** Command lines of helpers, and the small helpers. */

import { describe, expect, test } from "bun:test";
import { appendFileSync, chmodSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { artifactsUploader } from "../../../core/helper/artifacts_uploader.ts";
import { cacheInit } from "../../../core/helper/cache_init.ts";
import { type HelperFlag, parseHelperArguments } from "../../../core/helper/flags.ts";
import { healthCheck } from "../../../core/helper/health_check.ts";
import { runHelper } from "../../../core/helper/helper_command.ts";
import { readLogs } from "../../../core/helper/read_logs.ts";
import { scratch } from "../archive/support.ts";
import { run } from "./support.ts";

const FLAGS: readonly HelperFlag[] = [
  { name: "name", type: "string", env: "NAME", default: "none", help: "A name" },
  { name: "path", short: "p", type: "list", help: "Paths" },
  { name: "flag", type: "bool", help: "A switch" },
  { name: "count", type: "int", help: "A number" },
  { name: "wait", type: "duration", default: "1s", help: "A time" },
];

function parse(argv: readonly string[], env: Record<string, string> = {}) {
  const parsed = parseHelperArguments(FLAGS, argv, env);
  if (parsed.kind !== "values") throw new Error("help");
  return parsed.values;
}

test("parseHelperArguments() reads both forms, lists, switches and operands", () => {
  const values = parse(["--name", "-x", "--path=a=b", "-p", "--c", "--flag", "word", "--", "--z"]);
  expect(values.text("name")).toBe("-x");
  expect(values.list("path")).toEqual(["a=b", "--c"]);
  expect(values.bool("flag")).toBe(true);
  expect(values.operands).toEqual(["word", "--z"]);
  expect(parse(["--flag=false"]).bool("flag")).toBe(false);
  expect(parse(["--wait", "1m30s", "--count=7"]).durationMs("wait")).toBe(90_000);
});

test("parseHelperArguments() prefers the flag, then the environment, then the default", () => {
  expect(parse(["--name="], { NAME: "env" }).text("name")).toBe("");
  expect(parse([], { NAME: "env" }).text("name")).toBe("env");
  expect(parse([], { NAME: "" }).text("name")).toBe("none");
  expect(parse([]).durationMs("wait")).toBe(1000);
});

test("parseHelperArguments() names the flag that is wrong", () => {
  expect(() => parse(["--nam", "x"])).toThrow("Unknown flag --nam");
  expect(() => parse(["--name"])).toThrow("Flag --name needs a value");
  expect(() => parse(["--count", "x"])).toThrow('Invalid value "x" for --count');
  expect(() => parse(["--wait", "5"])).toThrow("a duration");
  expect(() => parse(["--flag=perhaps"])).toThrow("true or false");
});

test("runHelper ends in exit code 1 for a bad command line and prints help", async () => {
  using temporary = scratch();
  const bad = await run(artifactsUploader, ["--nonsense"], { cwd: temporary.path });
  expect(bad).toMatchObject({ code: 1, log: "FATAL: Unknown flag --nonsense; see --help\n" });
  const help = await run(artifactsUploader, ["--help"], { cwd: temporary.path });
  expect(help.code).toBe(0);
  expect(help.stdout).toContain("--compression-level");
  expect(help.stdout).toContain("env ARTIFACT_COMPRESSION_LEVEL");
});

test("runHelper begins with the line that tools look for", async () => {
  let log = "";
  await runHelper(cacheInit, [], {
    cwd: "/",
    env: {},
    stdout: { write() {} },
    stderr: { write: (text) => log += text },
    color: true,
    signal: new AbortController().signal,
  });
  expect(log).toMatch(
    /^Runtime platform {34}\x1b\[0;m {2}arch\x1b\[0;m=\w+ os\x1b\[0;m=\w+ pid\x1b\[0;m=\d+ revision\x1b\[0;m=\S+ version\x1b\[0;m=19\.4\.0\n/,
  );
});

test("cache-init opens directories to everyone", async () => {
  using temporary = scratch();
  const cwd = temporary.path;
  mkdirSync(join(cwd, "a"));
  chmodSync(join(cwd, "a"), 0o700);
  expect((await run(cacheInit, [join(cwd, "a")], { cwd })).code).toBe(0);
  expect(statSync(join(cwd, "a")).mode & 0o777).toBe(0o777);
  expect((await run(cacheInit, [], { cwd })).code).toBe(1);
});

test("health-check waits until all ports answer", async () => {
  const first = Bun.listen({ hostname: "localhost", port: 0, socket: { data() {} } });
  const reserved = Bun.listen({ hostname: "localhost", port: 0, socket: { data() {} } });
  const { port } = reserved;
  reserved.stop(true);
  const waiting = run(healthCheck, ["-p", String(first.port), "--port", String(port)], {
    cwd: "/",
  });
  await Bun.sleep(50);
  const second = Bun.listen({ hostname: "localhost", port, socket: { data() {} } });
  const { code, stdout } = await waiting;
  expect(code).toBe(0);
  expect(stdout).toContain(`dialing localhost:${first.port}...\n`);
  expect(stdout).toContain(`dialing localhost:${port}...\n`);
  first.stop(true);
  second.stop(true);
});

test("health-check takes addresses from the environment; one is enough", async () => {
  const up = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const env = {
    DB_PORT_1_TCP_ADDR: "127.0.0.1",
    DB_PORT_1_TCP_PORT: "1",
    DB_PORT_2_TCP_ADDR: "127.0.0.1",
    DB_PORT_2_TCP_PORT: String(up.port),
  };
  expect((await run(healthCheck, [], { cwd: "/", env })).code).toBe(0);
  up.stop(true);
  expect(await run(healthCheck, [], { cwd: "/" })).toMatchObject({
    code: 1,
    log: "FATAL: No HOST or PORT found\n",
  });
});

describe.skipIf(Bun.which("python3") === null)("health-check with python3", () => {
  test("does not wait for a host that never answers, when another one does", async () => {
    await using silent = await silentPort();
    const up = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const env = {
      DB_PORT_1_TCP_ADDR: "127.0.0.1",
      DB_PORT_1_TCP_PORT: String(silent.port),
      DB_PORT_2_TCP_ADDR: "127.0.0.1",
      DB_PORT_2_TCP_PORT: String(up.port),
    };
    expect((await run(healthCheck, [], { cwd: "/", env })).code).toBe(0);
    up.stop(true);
  });

  test("ends at once when it is asked to", async () => {
    await using silent = await silentPort();
    const stop = new AbortController();
    const argv = ["--port", String(silent.port)];
    const waiting = run(healthCheck, argv, { cwd: "/", signal: stop.signal });
    await Bun.sleep(50);
    stop.abort(new Error("Interrupted"));
    expect(await waiting).toMatchObject({ code: 1, log: "FATAL: Interrupted\n" });
  });
});

/** A port of this machine that answers nobody: more wait for it already than its listener wants. */
async function silentPort(): Promise<AsyncDisposable & { readonly port: number }> {
  const program = `
import socket, sys
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(0)
waiting = [socket.socket() for _ in range(4)]
for each in waiting:
    each.setblocking(False)
    try: each.connect(listener.getsockname())
    except BlockingIOError: pass
print(listener.getsockname()[1], flush=True)
sys.stdin.read()
`;
  const child = Bun.spawn(["python3", "-c", program], { stdin: "pipe", stdout: "pipe" });
  const { value } = await child.stdout.getReader().read();
  return {
    port: Number(Buffer.from(value ?? []).toString()),
    async [Symbol.asyncDispose]() {
      child.kill();
      await child.exited;
    },
  };
}

test("read-logs prints each line behind the offset of its end, also as it is written", async () => {
  using temporary = scratch();
  const path = join(temporary.path, "log");
  writeFileSync(path, "skipped\none\ntw");
  const controller = new AbortController();
  let stdout = "";
  const done = runHelper(readLogs, ["--path", path, "--offset", "8"], {
    cwd: temporary.path,
    env: {},
    stdout: { write: (text) => stdout += text },
    stderr: { write() {} },
    color: false,
    signal: controller.signal,
  });
  await Bun.sleep(50);
  expect(stdout).toBe("12 one\n");
  appendFileSync(path, `o\n${"x".repeat(20_000)}\n`);
  while (!stdout.includes("20017 ")) await Bun.sleep(20);
  controller.abort();
  expect(await done).toBe(0);
  expect(stdout).toBe(
    `12 one\n16 two\n16400 ${"x".repeat(16_384)}\n20017 ${"x".repeat(3616)}\n`,
  );
});

test("read-logs ends in exit code 100 when the file never appears", async () => {
  using temporary = scratch();
  const argv = ["--path", join(temporary.path, "none"), "--wait-file-timeout", "30ms"];
  const { code, stdout } = await run(readLogs, argv, { cwd: temporary.path });
  expect(code).toBe(100);
  expect(stdout).toBe("");
});
