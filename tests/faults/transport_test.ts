/** Faults 69 to 73 and 75: certificates, redirects, clocks and odd HTTP below everything. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createSecureServer } from "node:http2";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { FaultInput } from "../../core/embedded/mod.ts";
import { RunnerProcess } from "../e2e/runner_process.ts";
import { Bench, eventually, gapsMs, JOB_REQUEST, TRACE } from "./harness.ts";

const LIMIT = 20_000;
const directory = mkdtempSync(join(tmpdir(), "runner-certificates-"));
const at = (name: string) => join(directory, name);
const pem = (name: string) => readFileSync(at(name), "utf8");

/** Two authorities with a server each, and servers whose certificates are of no use. */
const OPENSSL = `
set -e
key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out $1.key; }
root() { key $1; openssl req -x509 -new -key $1.key -out $1.crt -days 30 -subj "/CN=$1" -addext keyUsage=critical,keyCertSign; }
signed() { # name, issuer, alternative names, days
  key $1; openssl req -new -key $1.key -out $1.csr -subj "/CN=$1"; echo "subjectAltName=$3" > $1.ext
  openssl x509 -req -in $1.csr -CA $2.crt -CAkey $2.key -CAcreateserial -out $1.crt -extfile $1.ext -days $4
}
root first; root second
signed one first IP:127.0.0.1,DNS:localhost 30
signed renewed first IP:127.0.0.1,DNS:localhost 30
signed two second IP:127.0.0.1,DNS:localhost 30
signed other first DNS:other.example 30
signed old first IP:127.0.0.1 -1
`;

beforeAll(() => {
  const made = Bun.spawnSync(["sh", "-c", OPENSSL], { cwd: directory });
  if (made.exitCode !== 0) throw new Error(made.stderr.toString());
});
afterAll(() => rmSync(directory, { recursive: true }));

function tls(name: string) {
  return { cert: pem(`${name}.crt`), key: pem(`${name}.key`) };
}

test(
  "fault 69: a renewed certificate, and then a replaced CA file, are used without a restart",
  async () => {
    copyFileSync(at("first.crt"), at("trusted.crt"));
    await using bench = await Bench.open({
      coordinator: { tls: tls("one") },
      entry: [`tls-ca-file = "${at("trusted.crt")}"`],
    });
    const { coordinator } = bench;
    bench.start();
    const { pid } = bench.process;
    await bench.expectJobsFlow();
    await coordinator.suspend();
    await coordinator.resume(tls("renewed"));
    await bench.expectJobsFlow();
    await coordinator.suspend();
    await coordinator.resume(tls("two"));
    await eventually(
      () => bench.process.log.includes("signed by an unknown authority"),
      "the other authority is refused",
    );
    copyFileSync(at("second.crt"), at("trusted.crt"));
    await bench.expectJobsFlow();
    expect(bench.process.pid).toBe(pid);
    bench.expectNoFindings();
  },
  LIMIT,
);

test(
  "fault 69: a certificate that is exchanged while a job runs does not harm the job",
  async () => {
    copyFileSync(at("first.crt"), at("kept.crt"));
    await using bench = await Bench.open({
      coordinator: { tls: tls("one"), updateIntervalSeconds: 1 },
      entry: [`tls-ca-file = "${at("kept.crt")}"`],
    });
    const { coordinator } = bench;
    const job = coordinator.enqueue({ script: ["echo before", "sleep 2", "echo after"] });
    bench.start();
    await eventually(() => bench.patches(job).length > 0, "the first bytes");
    await coordinator.suspend();
    await coordinator.resume(tls("two"));
    copyFileSync(at("second.crt"), at("kept.crt"));
    await bench.expectDelivered(job, { prints: ["before", "after"] });
    bench.expectNoFindings();
  },
  LIMIT,
);

/** Listens in plain TCP, keeps what it hears, answers with `say`. */
async function eavesdropper(say: string) {
  const heard: Buffer[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      heard.push(Buffer.from(bytes));
      socket.end(say);
    });
  });
  return { heard, ...await listening(server) };
}

async function listening(server: Server) {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

function secure(name: string) {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    tls: tls(name),
    fetch: () => new Response(null, { status: 204 }),
  });
  return { port: server.port ?? 0, [Symbol.asyncDispose]: () => server.stop(true) };
}

/** `openssl s_server` takes no free port by itself. */
async function onlyTls11() {
  const free = await eavesdropper("");
  await free[Symbol.asyncDispose]();
  const server = Bun.spawn([
    ...["openssl", "s_server", "-accept", `127.0.0.1:${free.port}`, "-tls1_1", "-quiet"],
    ...["-cert", at("one.crt"), "-key", at("one.key"), "-cipher", "DEFAULT:@SECLEVEL=0"],
  ], { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
  return {
    port: free.port,
    async [Symbol.asyncDispose]() {
      server.kill();
      await server.exited;
    },
  };
}

test.concurrent(
  "fault 70: each unusable TLS server is named with its reason, and none is asked in plain",
  async () => {
    await using unknown = secure("two");
    await using otherName = secure("other");
    await using expired = secure("old");
    await using outdated = await onlyTls11();
    await using plain = await eavesdropper("HTTP/1.1 400 Bad Request\r\n\r\n");
    const reasons = new Map([
      [unknown.port, "signed by an unknown authority"],
      [otherName.port, "is for another host name"],
      [expired.port, "has expired"],
      [outdated.port, "does not speak TLS 1.2 or newer"],
      [plain.port, "does not speak TLS on this port"],
    ]);
    await using runner = new RunnerProcess();
    runner.configure([...reasons.keys()].map((port) => ({
      url: `https://127.0.0.1:${port}`,
      token: `glrt-token-of-${port}`,
      lines: [`tls-ca-file = "${at("first.crt")}"`],
    })));
    runner.start();
    for (const [port, reason] of reasons) {
      await eventually(
        () =>
          runner.log.split("\n").some((line) =>
            line.includes(`127.0.0.1:${port}`) && line.includes(reason)
          ),
        `"${reason}" is told`,
      );
    }
    // Handshakes, and alerts that end them.
    expect(plain.heard.length).toBeGreaterThan(0);
    expect(plain.heard.every(([type]) => type === 0x16 || type === 0x15)).toBe(true);
    expect(Buffer.concat(plain.heard).toString("latin1")).not.toContain("glrt-");
    expect(await runner.stop()).toBe(0);
  },
  LIMIT,
);

for (
  const [name, action] of [
    ["Connection: close", { kind: "close" }],
    ["gzip", { kind: "alter", gzip: true }],
  ] as [string, FaultInput["action"]][]
) {
  test.concurrent(`fault 71: a coordinator that answers everything with ${name}`, async () => {
    await using bench = await Bench.open();
    const { coordinator } = bench;
    const seen = coordinator.inject({ match: { path: "^/api/v4/" }, action, times: null });
    const maker = coordinator.enqueue({
      script: "seq 1 50000 > file",
      artifacts: [{ name: "a", paths: ["file"], when: "on_success" }],
    });
    bench.start();
    await bench.expectDelivered(maker, { prints: [] });
    const job = coordinator.enqueue({ script: "tail -n 1 file", dependencies: [maker.id] });
    await bench.expectDelivered(job, { prints: ["50000"] });
    expect(seen.hits).toBe(coordinator.requests().length);
    if (name === "gzip") return bench.expectNoFindings();
    const connections = coordinator.requests().map(({ connection }) => connection);
    expect(new Set(connections).size).toBe(connections.length);
    bench.expectNoFindings();
  }, LIMIT);
}

test.concurrent(
  "fault 71: a coordinator that speaks HTTP/2 only is refused with a reason",
  async () => {
    const server = createSecureServer({ ...tls("one"), allowHTTP1: false }, (_, response) => {
      response.writeHead(204);
      response.end();
    });
    await using http2 = await listening(server as unknown as Server);
    await using runner = new RunnerProcess();
    runner.configure([{
      url: `https://127.0.0.1:${http2.port}`,
      token: "glrt-token",
      lines: [`tls-ca-file = "${at("first.crt")}"`],
    }]);
    runner.start();
    const line = await eventually(
      () => runner.log.split("\n").find((each) => each.includes("Checking for jobs... failed")),
      "the refusal is told",
    );
    expect(line).toContain(`127.0.0.1:${http2.port}`);
    expect(await runner.stop()).toBe(0);
  },
  LIMIT,
);

for (const status of [301, 302]) {
  test.concurrent(
    `fault 72: ${status} to a call with a body is a misconfiguration, never a GET`,
    async () => {
      await using bench = await Bench.open({ coordinator: { updateIntervalSeconds: 1 } });
      const { coordinator } = bench;
      const location = `${coordinator.url}/elsewhere`;
      const calls = [
        { path: JOB_REQUEST },
        { method: "PATCH", path: TRACE, nth: 2 },
        { state: "final" },
      ] as const;
      for (const match of calls) {
        coordinator.inject({ match, action: { kind: "redirect", status, location } });
      }
      const job = coordinator.enqueue({ script: ["echo before", "sleep 1.2", "echo after"] });
      bench.start();
      await bench.expectDelivered(job, { prints: ["before", "after"] });
      expect(coordinator.faults.all().map(({ hits }) => hits)).toEqual([1, 1, 1]);
      expect(coordinator.requests(({ method }) => method === "GET")).toEqual([]);
      expect(coordinator.requests(({ target }) => target.includes("elsewhere"))).toEqual([]);
      const told = bench.process.log.split("\n").filter((line) =>
        line.includes("misconfigured") && line.includes(location)
      );
      expect(told.length).toBeGreaterThanOrEqual(3);
      bench.expectNoFindings();
    },
    LIMIT,
  );
}

for (const hours of [1, -1]) {
  test.concurrent(`fault 73: a coordinator's clock ${hours} h off changes no pause`, async () => {
    await using bench = await Bench.open();
    const { coordinator } = bench;
    const theirs = (plusMs = 0) => new Date(Date.now() + hours * 3_600_000 + plusMs).toUTCString();
    const limited = coordinator.inject({
      match: { path: JOB_REQUEST },
      action: {
        kind: "answer",
        status: 429,
        headers: { "Date": theirs(), "RateLimit-ResetTime": theirs(2000), "Retry-After": "3600" },
      },
    });
    // What is signed or expires by their clock must not matter to jobs either.
    coordinator.inject({
      match: { path: "^/api/v4/jobs/" },
      action: { kind: "alter", headers: { "Date": theirs() } },
      times: null,
    });
    const job = coordinator.enqueue({ script: "echo on time" });
    bench.start();
    await bench.expectDelivered(job, { prints: ["on time"] });
    expect(limited.hits).toBe(1);
    const [gap = 0] = gapsMs(bench.jobRequests());
    expect(gap).toBeWithin(1900, 3200);
    bench.expectNoFindings();
  }, LIMIT);
}

test.concurrent(
  "fault 74: a session server that is configured is told to be missing, none is offered, and jobs run",
  async () => {
    await using bench = await Bench.open({
      globals: ["[session_server]", 'listen_address = "127.0.0.1:0"'],
    });
    const { coordinator } = bench;
    const job = coordinator.enqueue({ script: "echo no session" });
    bench.start();
    await bench.expectDelivered(job, { prints: ["no session"] });
    expect(bench.process.log).toContain("interactive terminals are not built yet");
    expect(job.session).toBeUndefined();
    expect(job.manager?.features).toMatchObject({ session: false, terminal: false, proxy: false });
    bench.expectNoFindings();
  },
  LIMIT,
);

test.concurrent(
  "fault 75: FF_USE_JOB_ROUTER: no discovery is asked for, and direct polling goes on",
  async () => {
    await using bench = await Bench.open({
      entry: ["[runners.feature_flags]", "FF_USE_JOB_ROUTER = true"],
      env: { FF_USE_JOB_ROUTER: "true" },
    });
    const { coordinator } = bench;
    const router = coordinator.inject({
      match: { path: "router" },
      action: { kind: "answer", status: 200, body: { server_url: "no such thing" } },
      times: null,
    });
    const job = coordinator.enqueue({
      script: "echo direct",
      variables: { FF_USE_JOB_ROUTER: "true" },
    });
    bench.start();
    await bench.expectDelivered(job, { prints: ["direct"] });
    await bench.expectJobsFlow();
    expect(router.seen).toBe(0);
    expect(coordinator.requests(({ method }) => method === "GET")).toEqual([]);
    bench.expectNoFindings();
  },
  LIMIT,
);
