import { expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { ConnectionFault } from "../../../core/coordinator/fault.ts";
import { type ApiCall, CoordinatorHttp, type HttpOptions } from "../../../core/coordinator/http.ts";
import { ConfigurationError } from "../../../core/errors.ts";
import { Secret } from "../../../core/util/secret.ts";
import { textOf } from "../../../core/coordinator/answer.ts";
import {
  calm,
  collectingLogger,
  empty,
  instantClock,
  onRequest,
  rawServer,
  scripted,
} from "./support.ts";

function connect(url: string, options: Partial<HttpOptions> = {}) {
  const { logger, lines } = collectingLogger();
  const { clock, waits } = instantClock();
  const http = new CoordinatorHttp({ url, env: {}, logger, clock, ...options });
  return { http, lines, waits, [Symbol.dispose]: () => http[Symbol.dispose]() };
}

const put: ApiCall = {
  method: "PUT",
  path: "jobs/1",
  route: "jobs/:id",
  token: { header: "Job-Token", value: new Secret("job-secret") },
  body: "the body",
  repeat: "on-failure",
  follow: "trusted",
};
const get: ApiCall = { ...put, method: "GET", body: undefined, follow: "everywhere" };

function redirect(status: number, location: string): Response {
  return empty(status, { Location: location });
}

test.each([
  ["https://h", "https://h/api/v4/x"],
  ["https://h/", "https://h/api/v4/x"],
  ["https://h/ci/", "https://h/api/v4/x"],
  ["https://h/gitlab", "https://h/gitlab/api/v4/x"],
  ["https://h/gitlab/ci//", "https://h/gitlab/api/v4/x"],
])("apiUrl keeps the root of %s", async (url, expected) => {
  const { apiUrl } = await import("../../../core/coordinator/api_url.ts");
  expect(new URL("x", apiUrl(url)).href).toBe(expected);
});

test.each(["ftp://h", "h:80", "", "unix:/run/x", "http://", "https:///x"])(
  "CoordinatorHttp refuses the URL %p",
  (url) => {
    expect(() => connect(url)).toThrow(ConfigurationError);
  },
);

test.each([301, 302, 303])(
  "a %d on a PUT is an answer that names the misconfiguration",
  async (status) => {
    await using server = scripted(redirect(status, "https://elsewhere/login"), empty(200));
    using it = connect(server.url);
    const { errorMessage } = await import("../../../core/coordinator/answer.ts");
    const answer = await it.http.call(put, calm);
    expect(answer.status).toBe(status);
    expect(errorMessage(answer)).toContain(
      'misconfigured, requests are redirected to "https://elsewhere/login"',
    );
    expect(server.seen.map(({ method }) => method)).toEqual(["PUT"]);
  },
);

test.each([307, 308])("a %d to the same origin repeats method, body and token", async (status) => {
  await using server = scripted(redirect(status, "/other"), empty(200));
  using it = connect(server.url);
  expect((await it.http.call(put, calm)).status).toBe(200);
  const [first, second] = server.seen;
  expect(second?.url.pathname).toBe("/other");
  expect(second?.method).toBe("PUT");
  expect(second?.text).toBe("the body");
  expect(second?.headers.get("job-token")).toBe("job-secret");
  expect(second?.headers.get("x-request-id")).toBe(first?.headers.get("x-request-id") ?? "");
});

test("a 307 to another host never carries a body that holds a token", async () => {
  await using elsewhere = scripted(empty(200));
  await using server = scripted(redirect(307, `${elsewhere.url}/x`));
  using it = connect(server.url);
  expect((await it.http.call(put, calm)).status).toBe(307);
  expect(elsewhere.seen).toEqual([]);
});

test("a GET redirected to another host goes there without the token, and never regains it", async () => {
  await using server = scripted(
    () => redirect(302, `${elsewhere.url}/file`),
    () => new Response("end"),
  );
  await using elsewhere = scripted(() => redirect(302, `${server.url}/back`));
  using it = connect(server.url);
  expect(textOf(await it.http.call(get, calm))).toBe("end");
  expect(server.seen[0]?.headers.get("job-token")).toBe("job-secret");
  expect(elsewhere.seen[0]?.headers.get("job-token")).toBeNull();
  expect(server.seen[1]?.headers.get("job-token")).toBeNull();
});

test("a redirect loop ends after ten hops", async () => {
  await using server = scripted(redirect(307, "/again"));
  using it = connect(server.url);
  expect((await it.http.call(put, calm)).status).toBe(307);
  expect(server.seen).toHaveLength(11);
});

test("five attempts are made, with growing pauses, and the last answer counts", async () => {
  await using server = scripted(empty(502));
  using it = connect(server.url);
  expect((await it.http.call(put, calm)).status).toBe(502);
  expect(server.seen.map(({ text }) => text)).toEqual(Array(5).fill("the body"));
  expect(new Set(server.seen.map(({ headers }) => headers.get("x-request-id"))).size).toBe(1);
  expect(it.waits).toEqual([100, 150, 250, 450]);
});

test("two calls have two request ids", async () => {
  await using server = scripted(empty(200));
  using it = connect(server.url);
  await it.http.call(put, calm);
  await it.http.call(put, calm);
  expect(new Set(server.seen.map(({ headers }) => headers.get("x-request-id"))).size).toBe(2);
});

test("Retry-After is honoured up to a minute", async () => {
  await using server = scripted(empty(429, { "Retry-After": "60" }), empty(200));
  using it = connect(server.url);
  expect((await it.http.call(put, calm)).status).toBe(200);
  expect(it.waits).toEqual([60_000]);
});

test("a longer Retry-After ends the call and says so", async () => {
  await using server = scripted(empty(503, { "Retry-After": "86400" }), empty(200));
  using it = connect(server.url);
  expect((await it.http.call(put, calm)).status).toBe(503);
  expect(it.waits).toEqual([]);
  expect(it.lines).toMatchObject([{
    level: "warning",
    message: "The coordinator wants a pause of 86400 seconds, giving up this request",
  }]);
});

test("a stop signal ends a wait at once", async () => {
  await using server = scripted(empty(429, { "Retry-After": "30" }));
  const { systemClock } = await import("../../../core/coordinator/clock.ts");
  using it = connect(server.url, { clock: systemClock });
  const controller = new AbortController();
  const calling = it.http.call(put, { signal: controller.signal });
  setTimeout(() => controller.abort(new Error("stop now")), 30);
  await expect(calling).rejects.toThrow("stop now");
});

test("an answer that never comes ends with the header limit", async () => {
  await using server = await rawServer(() => {});
  using it = connect(server.url, { timeouts: { exchangeMs: 5000, headersMs: 40 } });
  await expect(it.http.call(put, calm)).rejects.toThrow(
    `Waiting for an answer of "127.0.0.1:${server.port}" took longer than 0.04 seconds`,
  );
});

test("an answer that never ends ends with the limit of the exchange", async () => {
  await using server = await rawServer((socket) =>
    onRequest(socket, () => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"))
  );
  using it = connect(server.url, { timeouts: { exchangeMs: 60, headersMs: 5000 } });
  await expect(it.http.call(put, calm)).rejects.toThrow("PUT /api/v4/jobs/1 took longer than 0.06");
});

test("the header limit starts when the whole body is sent", async () => {
  await using server = scripted(empty(200));
  using it = connect(server.url, { timeouts: { exchangeMs: 5000, headersMs: 60 } });
  async function* slow() {
    for (let part = 0; part < 5; part++) {
      yield Buffer.from("part");
      await Bun.sleep(30);
    }
  }
  expect((await it.http.call({ ...put, body: slow }, calm)).status).toBe(200);
  expect(server.seen[0]?.text).toHaveLength(20);
});

test("garbage instead of HTTP is a fault of the connection", async () => {
  await using server = await rawServer((socket) =>
    onRequest(socket, () => socket.end("SSH-2.0-OpenSSH\r\n\r\n"))
  );
  using it = connect(server.url);
  await expect(it.http.call(put, calm)).rejects.toBeInstanceOf(ConnectionFault);
});

test("gzip answers are unpacked, and a connection that closes each time is no problem", async () => {
  const packed = gzipSync("unpacked text");
  await using server = await rawServer((socket) =>
    onRequest(socket, () => {
      const head = `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n`;
      socket.write(`${head}Content-Length: ${packed.length}\r\n\r\n`);
      socket.end(packed);
    })
  );
  using it = connect(server.url);
  for (let turn = 0; turn < 3; turn++) {
    expect(textOf(await it.http.call(put, calm))).toBe("unpacked text");
  }
  expect(server.connections).toBe(3);
});

async function connectionsFor(connectionMaxAgeMs: number): Promise<number> {
  await using server = await rawServer((socket) =>
    onRequest(socket, () => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
  );
  using it = connect(server.url, { connectionMaxAgeMs });
  for (let turn = 0; turn < 3; turn++) {
    await it.http.call(put, calm);
    await Bun.sleep(30);
  }
  return server.connections;
}

test("connections are reused until connection_max_age, and for ever when it is 0", async () => {
  expect(await connectionsFor(20)).toBe(3);
  expect(await connectionsFor(60_000)).toBe(1);
  expect(await connectionsFor(0)).toBe(1);
});
