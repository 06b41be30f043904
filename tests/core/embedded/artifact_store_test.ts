import { afterEach, expect, test } from "bun:test";

import { EmbeddedCoordinator } from "../../../core/embedded/coordinator.ts";
import type { CoordinatorOptions } from "../../../core/embedded/options.ts";
import { readMultipartFile } from "../../../core/embedded/multipart.ts";
import { rules, TestRunner } from "./client.ts";

let coordinator: EmbeddedCoordinator;

async function start(options: CoordinatorOptions = {}) {
  coordinator = await EmbeddedCoordinator.start(options);
  const runner = new TestRunner(coordinator);
  const job = coordinator.enqueue({ script: "true" });
  return { runner, job, handed: await runner.takeAndAccept() };
}

afterEach(() => coordinator?.stop());

const sha256 = (bytes: Uint8Array) => new Bun.CryptoHasher("sha256").update(bytes).digest("hex");

test("Artifacts come back as they went up, whole and in ranges", async () => {
  const { runner, job, handed } = await start();
  const content = crypto.getRandomValues(new Uint8Array(60_000));
  expect((await runner.upload(handed, content, "?expire_in=1+week")).status).toBe(201);
  expect(coordinator.artifacts(job)).toMatchObject([{
    type: "archive",
    format: "zip",
    filename: "artifacts.zip",
    size: 60_000,
    sha256: sha256(content),
    expireIn: "1 week",
  }]);
  const path = `/api/v4/jobs/${job.id}/artifacts`;
  const headers = { "Job-Token": handed.token };
  const whole = await runner.call("GET", path, { headers });
  expect(whole.status).toBe(200);
  expect(sha256(await whole.bytes())).toBe(sha256(content));
  const part = await runner.call("GET", path, { headers: { ...headers, Range: "bytes=10-19" } });
  expect([part.status, part.headers.get("Content-Range")]).toEqual([206, "bytes 10-19/60000"]);
  expect(await part.bytes()).toEqual(content.slice(10, 20));
});

test("Same artifact again is 201, another of its type 400, a report stands beside it", async () => {
  const { runner, job, handed } = await start();
  const content = new TextEncoder().encode("one");
  expect((await runner.upload(handed, content)).status).toBe(201);
  expect((await runner.upload(handed, content)).status).toBe(201);
  const other = await runner.upload(handed, new TextEncoder().encode("two"));
  expect([other.status, await other.text()]).toEqual([
    400,
    expect.stringContaining("already exists"),
  ]);
  const report = "?artifact_type=junit&artifact_format=gzip";
  expect((await runner.upload(handed, content, report)).status).toBe(201);
  expect(coordinator.artifacts(job).map((artifact) => artifact.type)).toEqual(["archive", "junit"]);
});

test("Artifacts over the limit are refused with 413, also when the length is not told", async () => {
  const { runner, job, handed } = await start({ artifactLimitBytes: 1000 });
  expect((await runner.upload(handed, new Uint8Array(5000))).status).toBe(413);
  const boundary = "b0undary";
  const streamed = await runner.call("POST", `/api/v4/jobs/${job.id}/artifacts`, {
    headers: {
      "Job-Token": handed.token,
      "Content-Type": `multipart/form-data; boundary=${boundary}`,
    },
    body: new ReadableStream({
      start(stream) {
        const head = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a"`;
        stream.enqueue(new TextEncoder().encode(`${head}\r\n\r\n`));
        stream.enqueue(new Uint8Array(2000));
        stream.enqueue(new TextEncoder().encode(`\r\n--${boundary}--\r\n`));
        stream.close();
      },
    }),
  });
  expect(streamed.status).toBe(413);
  expect(coordinator.artifacts(job)).toEqual([]);
});

test("Uploads need a running job, downloads a running job's token", async () => {
  const { runner, job, handed } = await start();
  await runner.upload(handed, new Uint8Array(1));
  await runner.finish(handed, "");
  const path = `/api/v4/jobs/${job.id}/artifacts`;
  const get = (token: string) => runner.call("GET", path, { headers: { "Job-Token": token } });
  expect((await get("none")).status).toBe(401);
  expect((await get(handed.token)).status).toBe(403);
  const next = coordinator.enqueue({ script: "true", dependencies: [job.id] });
  const reader = await runner.takeAndAccept();
  expect(reader.payload.dependencies).toEqual([{
    id: job.id,
    name: "job",
    token: next.token,
    artifacts_file: { filename: "artifacts.zip", size: 1 },
  }]);
  expect((await get(reader.token)).status).toBe(200);
});

test("Direct downloads are redirected to storage, where a job token is a finding", async () => {
  const { runner, job, handed } = await start({ storageRedirect: true });
  await runner.upload(handed, new TextEncoder().encode("content"));
  const headers = { "Job-Token": handed.token };
  const path = `/api/v4/jobs/${job.id}/artifacts?direct_download=true`;
  const redirect = await runner.call("GET", path, { headers });
  const location = redirect.headers.get("Location") ?? "";
  expect(redirect.status).toBe(302);
  expect(new URL(location).port).not.toBe(new URL(coordinator.url).port);
  expect(await (await fetch(location)).text()).toBe("content");
  expect(coordinator.findings()).toEqual([]);
  await fetch(location, { headers });
  expect(rules(coordinator)).toEqual(["token-to-storage"]);
  expect((await fetch(`${location}x`)).status).toBe(403);
});

test("readMultipartFile finds the file wherever the stream is split", async () => {
  const content = "first\r\n--not the end\r\n--bou\r\n\r\nlast";
  const text = '--bound\r\nContent-Disposition: form-data; name="other"\r\n\r\nskipped\r\n' +
    '--bound\r\nContent-Disposition: form-data; name="file"; filename="a.zip"\r\n\r\n' +
    `${content}\r\n--bound--\r\n`;
  const bytes = new TextEncoder().encode(text);
  for (let size = 1; size <= bytes.length; size++) {
    let got = "";
    const outcome = await readMultipartFile(chunks(bytes, size), "bound", (part) => {
      got += new TextDecoder().decode(part);
    });
    expect([outcome, got]).toEqual([{ kind: "file", filename: "a.zip" }, content]);
  }
});

test("readMultipartFile tells a truncated body and one without a file from a whole one", async () => {
  const head = '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc';
  const read = (text: string) =>
    readMultipartFile(chunks(new TextEncoder().encode(text), 7), "b", () => {});
  expect((await read(head)).kind).toBe("truncated");
  expect((await read(`${head}\r\n--b`)).kind).toBe("truncated");
  expect((await read(`${head}\r\n--b--`)).kind).toBe("file");
  expect((await read("--b--\r\n")).kind).toBe("no-file");
});

async function* chunks(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
