import { afterAll, beforeAll, expect, test } from "bun:test";
import { copyFileSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { connect as tcp } from "node:net";
import { join } from "node:path";
import { X509Certificate } from "node:crypto";
import type { GitLabCoordinatorOptions } from "../../../core/coordinator/client.ts";
import { calm, coordinator, info, onRequest, rawServer } from "./support.ts";
import { temporaryDirectory } from "../../fixtures/temporary_directory.ts";

const scratch = temporaryDirectory();
const directory = scratch.path;
const at = (name: string) => join(directory, name);
const read = (name: string) => readFileSync(at(name), "utf8");

/** root → intermediate → server certificates; a second, unrelated root; a client certificate. */
const OPENSSL = `
set -e
key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out $1.key; }
root() { key $1; openssl req -x509 -new -key $1.key -out $1.crt -days 30 -subj "/CN=$1" -addext keyUsage=critical,keyCertSign; }
signed() { # name, issuer, extension, days
  key $1; openssl req -new -key $1.key -out $1.csr -subj "/CN=$1"; echo "$3" > $1.ext
  openssl x509 -req -in $1.csr -CA $2.crt -CAkey $2.key -CAcreateserial -out $1.crt -extfile $1.ext -days $4
}
root root; root stranger
signed middle root basicConstraints=critical,CA:TRUE 30
signed server middle subjectAltName=DNS:localhost,DNS:gitlab.example 30
signed other middle subjectAltName=DNS:other.example 30
signed old middle subjectAltName=DNS:localhost -1
signed client root extendedKeyUsage=clientAuth 30
for name in server other old; do cat $name.crt middle.crt > $name.chain; done
`;

beforeAll(() => {
  const made = Bun.spawnSync(["sh", "-c", OPENSSL], { cwd: directory });
  if (made.exitCode !== 0) throw new Error(made.stderr.toString());
});
afterAll(() => scratch[Symbol.dispose]());

const JOB = JSON.stringify({ id: 1, token: "job-token" });

function secureServer(name = "server", extra: object = {}) {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    tls: { cert: read(`${name}.chain`), key: read(`${name}.key`), ...extra },
    fetch: () =>
      new Response(JOB, { status: 201, headers: { "Content-Type": "application/json" } }),
  });
  return {
    port: server.port,
    url: `https://localhost:${server.port}`,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

async function ask(url: string, options: Partial<GitLabCoordinatorOptions> = {}) {
  using client = coordinator(url, options);
  const outcome = await client.requestJob({ info }, calm);
  return { outcome, lines: client.lines };
}

async function problemOf(url: string, options: Partial<GitLabCoordinatorOptions> = {}) {
  const { outcome } = await ask(url, options);
  return outcome.kind === "unreachable" ? outcome.message : outcome.kind;
}

test("a configured CA is trusted, and goes to the job as it is", async () => {
  await using server = secureServer();
  const { outcome } = await ask(server.url, { tls: { caFile: at("root.crt") } });
  expect(outcome).toMatchObject({ kind: "job", tls: { caChain: read("root.crt") } });
  expect(outcome.kind === "job" && outcome.tls.key).toBeUndefined();
});

test("certificates are found by host name beside the configuration", async () => {
  await using server = secureServer("server", {
    ca: read("root.crt"),
    requestCert: true,
    rejectUnauthorized: true,
  });
  copyFileSync(at("root.crt"), at("localhost.crt"));
  copyFileSync(at("client.crt"), at("localhost.auth.crt"));
  copyFileSync(at("client.key"), at("localhost.auth.key"));
  const { outcome } = await ask(server.url, { certificatesDirectory: directory });
  expect(outcome).toMatchObject({
    kind: "job",
    tls: {
      caChain: read("root.crt"),
      certificate: read("client.crt"),
      key: read("client.key"),
    },
  });
});

test("an unknown CA is named as the reason", async () => {
  await using server = secureServer();
  const message = await problemOf(server.url, { tls: { caFile: at("stranger.crt") } });
  expect(message).toContain(
    `Cannot trust "localhost:${server.port}": its certificate is signed by`,
  );
});

test("a certificate for another host is named as the reason", async () => {
  await using server = secureServer("other");
  const message = await problemOf(server.url, { tls: { caFile: at("root.crt") } });
  expect(message).toContain("its certificate is for another host name");
  expect(message).toContain("localhost");
});

test("an expired certificate is named as the reason", async () => {
  await using server = secureServer("old");
  const message = await problemOf(server.url, { tls: { caFile: at("root.crt") } });
  expect(message).toBe(`Cannot trust "localhost:${server.port}": its certificate has expired`);
});

test("NODE_TLS_REJECT_UNAUTHORIZED changes nothing", async () => {
  await using server = secureServer();
  const before = process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
  process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
  try {
    expect(await problemOf(server.url)).toContain("unknown authority");
  } finally {
    if (before === undefined) delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
    else process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = before;
  }
});

test("a server without TLS is named as such, and never asked in plain text", async () => {
  const heard: string[] = [];
  await using server = await rawServer((socket) =>
    socket.once("data", (data) => {
      heard.push(data.toString("latin1"));
      socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
    })
  );
  const message = await problemOf(`https://localhost:${server.port}`);
  expect(message).toBe(
    `Cannot agree on TLS with "localhost:${server.port}": it does not speak TLS on this port`,
  );
  expect(heard.join("")).not.toContain("HTTP/1.1");
});

test("a server that only speaks TLS 1.1 is named as such", async () => {
  await using free = await rawServer(() => {});
  const { port } = free;
  await free[Symbol.asyncDispose]();
  const old = Bun.spawn([
    ...["openssl", "s_server", "-accept", `127.0.0.1:${port}`, "-tls1_1", "-quiet"],
    ...["-cert", at("server.crt"), "-key", at("server.key"), "-cipher", "DEFAULT:@SECLEVEL=0"],
  ], { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
  try {
    await listening(port);
    const message = await problemOf(`https://127.0.0.1:${port}`, {
      tls: { caFile: at("root.crt") },
    });
    expect(message).toBe(
      `Cannot agree on TLS with "127.0.0.1:${port}": it does not speak TLS 1.2 or newer`,
    );
  } finally {
    old.kill();
    await old.exited;
  }
});

async function listening(port: number): Promise<void> {
  for (let turn = 0; turn < 100; turn++) {
    const open = await new Promise((resolve) => {
      const socket = tcp(port, "127.0.0.1", () => resolve(true));
      socket.on("error", () => resolve(false));
      socket.on("connect", () => socket.destroy());
    });
    if (open) return;
    await Bun.sleep(20);
  }
}

test("a refused client certificate is named as the reason", async () => {
  await using server = secureServer("server", {
    ca: read("stranger.crt"),
    requestCert: true,
    rejectUnauthorized: true,
  });
  const message = await problemOf(server.url, { tls: { caFile: at("root.crt") } });
  expect(message).toContain(`"localhost:${server.port}"`);
  expect(message).toContain("client certificate");
});

test("without a CA file the job gets the connection's chain, leaf first, root last", async () => {
  await using server = secureServer();
  const { ConnectionPool } = await import("../../../core/coordinator/connection_pool.ts");
  const { logger } = await import("./support.ts").then(({ collectingLogger }) =>
    collectingLogger()
  );
  using pool = new ConnectionPool({
    url: new URL(server.url),
    tls: { caFile: at("root.crt") },
    env: {},
    maxAgeMs: 0,
    logger,
  });
  const chain = await pool.serverChain(new URL(server.url));
  const blocks = chain.match(/-----BEGIN[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  expect(blocks.map((pem) => new X509Certificate(pem).subject))
    .toEqual(["CN=server", "CN=middle", "CN=root"]);
});

test("a CA file that is replaced while running is used without a restart", async () => {
  await using server = secureServer();
  const caFile = at("rotating.crt");
  copyFileSync(at("stranger.crt"), caFile);
  using client = coordinator(server.url, { tls: { caFile } });
  expect((await client.requestJob({ info }, calm)).kind).toBe("unreachable");
  copyFileSync(at("root.crt"), caFile);
  utimesSync(caFile, new Date(), new Date(Date.now() + 5000));
  expect((await client.requestJob({ info }, calm)).kind).toBe("job");
});

test.each([
  ["a CA file without certificates", { caFile: "garbage" }, 'Cannot use CA file "'],
  [
    "a client key of another certificate",
    { certFile: "client.crt", keyFile: "server.key" },
    "Client key",
  ],
  [
    "an unreadable client key",
    { certFile: "client.crt", keyFile: "garbage" },
    "Cannot use client cert",
  ],
])("%s is logged and left out", async (_, files, problem) => {
  await using server = secureServer();
  writeFileSync(at("garbage"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  const tls = Object.fromEntries(Object.entries(files).map(([key, name]) => [key, at(name)]));
  const { lines } = await ask(server.url, { tls });
  expect(lines.find(({ message }) => message.startsWith(problem))?.level).toBe("error");
});

test("an https request goes through the proxy's CONNECT, and so does the look at the chain", async () => {
  await using server = secureServer();
  const asked: string[] = [];
  await using proxy = await rawServer((socket) => {
    const serve = (header: string) => {
      asked.push(header.split("\r\n")[0] ?? "");
      expect(header).toContain("Basic dXNlcjpwQHNz");
      const onward = tcp(server.port ?? 0, "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
        socket.pipe(onward).pipe(socket);
      });
      onward.on("error", () => socket.destroy());
      socket.on("close", () => onward.destroy());
    };
    socket.once("data", (data) => serve(data.toString()));
  });
  const env = { HTTPS_PROXY: `http://user:p%40ss@127.0.0.1:${proxy.port}` };
  const tls = { caFile: at("root.crt") };
  const { outcome } = await ask("https://gitlab.example", { env, tls });
  expect(outcome.kind).toBe("job");
  expect(asked).toEqual(["CONNECT gitlab.example:443 HTTP/1.1"]);

  const { ConnectionPool } = await import("../../../core/coordinator/connection_pool.ts");
  const { collectingLogger } = await import("./support.ts");
  const url = new URL("https://gitlab.example");
  const { logger } = collectingLogger();
  using pool = new ConnectionPool({ url, tls, env, maxAgeMs: 0, logger });
  expect(await pool.serverChain(url)).toContain("BEGIN CERTIFICATE");
  expect(asked).toHaveLength(2);
});

test("a proxy that refuses is named", async () => {
  await using proxy = await rawServer((socket) =>
    onRequest(socket, () => socket.end("HTTP/1.1 407 Who Are You\r\nContent-Length: 0\r\n\r\n"))
  );
  const env = { HTTPS_PROXY: proxy.url };
  const message = await problemOf("https://gitlab.example", { env });
  expect(message).toContain('Cannot reach "gitlab.example" through the proxy');
  expect(message).toContain("407");
});

test.each(["::bad::", "socks5://127.0.0.1:1"])(
  "the unusable proxy %s is an outcome",
  async (proxy) => {
    const message = await problemOf("https://gitlab.example", { env: { HTTPS_PROXY: proxy } });
    expect(message).toContain('(for "gitlab.example")');
  },
);

test("a certificates directory that is a file is as good as none", async () => {
  await using server = secureServer();
  const options = { tls: { caFile: at("root.crt") }, certificatesDirectory: at("root.crt") };
  expect((await ask(server.url, options)).outcome.kind).toBe("job");
});
