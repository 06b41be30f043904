import { afterAll, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type ArtifactDownload,
  type ArtifactUpload,
  downloadArtifact,
  uploadArtifact,
} from "../../../core/coordinator/artifacts.ts";
import { Secret } from "../../../core/util/secret.ts";
import {
  calm,
  collectingLogger,
  empty,
  instantClock,
  json,
  onRequest,
  rawServer,
  scripted,
  type Seen,
} from "./support.ts";
import { temporaryDirectory } from "../../fixtures/temporary_directory.ts";

const scratch = temporaryDirectory();
const directory = scratch.path;
afterAll(() => scratch[Symbol.dispose]());
let files = 0;

function upload(url: string, options: Partial<ArtifactUpload> = {}) {
  return uploadArtifact({
    url,
    jobId: 7,
    token: new Secret("job-secret"),
    env: {},
    logger: collectingLogger().logger,
    clock: instantClock().clock,
    query: { expire_in: "1 week", artifact_format: "zip", artifact_type: "" },
    fileName: "artifacts.zip",
    body: parts,
    showsAnswers: false,
    signal: calm.signal,
    ...options,
  });
}

async function* parts() {
  yield Buffer.from("first ");
  await Promise.resolve();
  yield Buffer.from("second");
}

async function* endless(chunks = 100_000) {
  for (let chunk = 0; chunk < chunks; chunk++) yield new Uint8Array(65_536);
}

async function fileIn(seen: Seen | undefined): Promise<File | undefined> {
  const form = await new Response(seen?.text, {
    headers: { "Content-Type": seen?.headers.get("content-type") ?? "" },
  }).formData();
  const file = form.get("file");
  expect([...form.keys()]).toEqual(["file"]);
  return file instanceof File ? file : undefined;
}

test("uploadArtifact streams exactly one form field", async () => {
  await using server = scripted(new Response("201", { status: 201 }));
  expect(await upload(server.url)).toMatchObject({ kind: "uploaded", status: 201 });
  const [seen] = server.seen;
  expect(`${seen?.url.pathname}${seen?.url.search}`)
    .toBe("/api/v4/jobs/7/artifacts?expire_in=1+week&artifact_format=zip");
  expect(seen?.headers.get("job-token")).toBe("job-secret");
  expect(seen?.headers.get("transfer-encoding")).toBe("chunked");
  const file = await fileIn(seen);
  expect(file?.name).toBe("artifacts.zip");
  expect(seen?.text).toContain("Content-Type: application/octet-stream\r\n\r\nfirst");
  expect(await file?.text()).toBe("first second");
});

test("uploadArtifact sends Content-Length when the length is known, and escapes the name", async () => {
  await using server = scripted(new Response("201", { status: 201 }));
  await upload(server.url, { length: 12, fileName: 'a"b\\c\r\nX: y.zip' });
  const [seen] = server.seen;
  expect(Number(seen?.headers.get("content-length"))).toBe(seen?.text.length ?? 0);
  expect(seen?.text).toContain('filename="a\\"b\\\\c%0D%0AX: y.zip"\r\n');
});

test.each(["", "201", "<html>".repeat(100_000), '{"token":"x"}'])(
  "uploadArtifact takes any body of a 201 as success",
  async (body) => {
    await using server = scripted(new Response(body, { status: 201 }));
    expect((await upload(server.url)).kind).toBe("uploaded");
  },
);

test.each([
  [403, "forbidden", 1],
  [413, "too-large", 1],
  [400, "rejected", 1],
  [401, "rejected", 1],
  [405, "rejected", 1],
  [503, "unavailable", 5],
  [500, "rejected", 5],
])("uploadArtifact answers %d with %s after %d requests", async (status, kind, requests) => {
  await using server = scripted(json(status, { message: "says why" }));
  const outcome = await upload(server.url);
  expect(outcome).toMatchObject({ kind, status, message: "says why" });
  expect(server.seen).toHaveLength(requests);
});

test("uploadArtifact opens the body again for a repetition and for a redirect", async () => {
  await using server = scripted(
    empty(502),
    empty(307, { Location: "/moved" }),
    new Response("201", { status: 201 }),
  );
  expect((await upload(server.url)).kind).toBe("uploaded");
  expect(server.seen.map((seen) => seen.url.pathname).at(-1)).toBe("/moved");
  for (const seen of server.seen) expect(await (await fileIn(seen))?.text()).toBe("first second");
});

test("uploadArtifact follows a 307 to another host without the token", async () => {
  await using storage = scripted(new Response("201", { status: 201 }));
  await using server = scripted(empty(307, { Location: `${storage.url}/put?sig=1` }));
  expect((await upload(server.url)).kind).toBe("uploaded");
  const [seen] = storage.seen;
  expect(await (await fileIn(seen))?.text()).toBe("first second");
  expect([...seen?.headers.values() ?? []].join()).not.toContain("job-secret");
});

test("uploadArtifact notices an early 413 while it still streams", async () => {
  let taken = 0;
  await using server = await rawServer((socket) => {
    socket.on("data", (data) => (taken += data.length));
    socket.once("data", () => {
      socket.write("HTTP/1.1 413 Request Entity Too Large\r\nContent-Length: 0\r\n\r\n");
    });
  });
  const outcome = await upload(server.url, { body: endless });
  expect(outcome.kind).toBe("too-large");
  expect(taken).toBeLessThan(1_000_000_000);
});

test("uploadArtifact answers unreachable when the connection is cut, without a second request", async () => {
  await using server = await rawServer((socket) =>
    socket.once("data", () => setTimeout(() => socket.resetAndDestroy(), 20))
  );
  const outcome = await upload(server.url, { body: endless });
  expect(outcome).toMatchObject({
    kind: "unreachable",
    message: `The connection to "127.0.0.1:${server.port}" was cut`,
  });
  expect(server.connections).toBe(1);
});

test("uploadArtifact throws what its source throws", async () => {
  await using server = scripted(new Response("201", { status: 201 }));
  async function* broken() {
    yield Buffer.from("part");
    throw new Error("disk gone");
  }
  await expect(upload(server.url, { body: broken })).rejects.toThrow("disk gone");
});

test("uploadArtifact stops when its signal aborts", async () => {
  await using server = await rawServer((socket) => socket.resume());
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error("job aborted")), 30);
  await expect(upload(server.url, { body: endless, signal: controller.signal }))
    .rejects.toThrow("job aborted");
});

function download(url: string, options: Partial<ArtifactDownload> = {}) {
  const destination = join(directory, `artifact-${++files}`);
  const { logger, lines } = collectingLogger();
  const outcome = downloadArtifact({
    url,
    jobId: 7,
    token: new Secret("job-secret"),
    env: {},
    logger,
    clock: instantClock().clock,
    direct: true,
    destination,
    signal: calm.signal,
    ...options,
  });
  return { outcome, lines, destination };
}

test("downloadArtifact streams a file with mode 0600", async () => {
  const content = crypto.getRandomValues(new Uint8Array(60_000));
  await using server = scripted(new Response(content));
  const { outcome, destination } = download(server.url, { direct: false });
  expect(await outcome).toMatchObject({ kind: "downloaded", bytes: 60_000, status: 200 });
  expect(new Uint8Array(readFileSync(destination))).toEqual(content);
  expect(statSync(destination).mode & 0o777).toBe(0o600);
  const [seen] = server.seen;
  expect(`${seen?.url.pathname}${seen?.url.search}`).toBe("/api/v4/jobs/7/artifacts");
  expect(seen?.headers.get("job-token")).toBe("job-secret");
});

test("downloadArtifact asks the API once and the storage once, without the token", async () => {
  await using storage = scripted(new Response("stored"));
  await using server = scripted(empty(302, { Location: `${storage.url}/file?signature=1` }));
  const { outcome, destination } = download(server.url);
  expect(await outcome).toMatchObject({ kind: "downloaded", bytes: 6 });
  expect(readFileSync(destination, "utf8")).toBe("stored");
  expect(server.seen.map(({ url }) => url.search)).toEqual(["?direct_download=true"]);
  expect(storage.seen).toHaveLength(1);
  expect([...storage.seen[0]?.headers.values() ?? []].join()).not.toContain("job-secret");
});

const expired =
  "<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Request has expired" +
  "</Message></Error>";

test.each([
  ["403 with XML", new Response(expired, { status: 403 }), "AccessDenied: Request has expired"],
  ["404", new Response("", { status: 404 }), "404 Not Found"],
  ["500", new Response("", { status: 500 }), "500 Internal Server Error"],
])("downloadArtifact falls back to the coordinator after a storage's %s", async (_, reply, why) => {
  await using storage = scripted(reply);
  await using server = scripted(empty(302, { Location: storage.url }), new Response("proxied"));
  const { outcome, destination, lines } = download(server.url);
  expect((await outcome).kind).toBe("downloaded");
  expect(readFileSync(destination, "utf8")).toBe("proxied");
  expect(server.seen.map(({ url }) => url.search)).toEqual(["?direct_download=true", ""]);
  expect(lines[0]?.fields["error"]).toContain(why);
});

test("downloadArtifact replaces a file that a storage broke off", async () => {
  await using storage = await rawServer((socket) =>
    onRequest(
      socket,
      () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nmuch longer than the other"),
    )
  );
  await using server = scripted(empty(302, { Location: storage.url }), new Response("proxied"));
  const { outcome, destination } = download(server.url);
  expect((await outcome).kind).toBe("downloaded");
  expect(readFileSync(destination, "utf8")).toBe("proxied");
});

test.each([
  ["a short body", "Content-Length: 5000\r\n\r\npart"],
  ["a chunked body without end", "Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\n"],
])("downloadArtifact never takes %s for the file", async (_, answer) => {
  await using server = await rawServer((socket) =>
    onRequest(socket, () => socket.end(`HTTP/1.1 200 OK\r\n${answer}`))
  );
  const { outcome, destination } = download(server.url);
  expect((await outcome).kind).toBe("unreachable");
  expect(existsSync(destination)).toBe(false);
});

test.each([
  [401, "forbidden"],
  [403, "forbidden"],
  [404, "not-found"],
  [400, "rejected"],
])("downloadArtifact answers %d with %s at once", async (status, kind) => {
  await using server = scripted(json(status, { message: "why" }));
  const { outcome, destination } = download(server.url);
  expect(await outcome).toMatchObject({ kind, status, message: "why" });
  expect(server.seen).toHaveLength(1);
  expect(existsSync(destination)).toBe(false);
});

test("downloadArtifact gives the coordinator's final error when both ways fail", async () => {
  await using storage = scripted(empty(404));
  await using server = scripted(empty(302, { Location: storage.url }), empty(404));
  expect((await download(server.url).outcome).kind).toBe("not-found");
});

test("downloadArtifact does not write through a link at its destination", async () => {
  const victim = join(directory, "victim");
  writeFileSync(victim, "precious");
  const destination = join(directory, "planted");
  symlinkSync(victim, destination);
  await using server = scripted(new Response("evil"));
  await expect(download(server.url, { destination }).outcome).rejects.toThrow("ELOOP");
  expect(readFileSync(victim, "utf8")).toBe("precious");
});

test("downloadArtifact stops and cleans up when its signal aborts", async () => {
  await using server = await rawServer((socket) =>
    onRequest(socket, () => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\npart"))
  );
  const controller = new AbortController();
  const { outcome, destination } = download(server.url, { signal: controller.signal });
  setTimeout(() => controller.abort(new Error("job aborted")), 40);
  await expect(outcome).rejects.toThrow("job aborted");
  expect(existsSync(destination)).toBe(false);
});
