/** Faults 56 to 65: artifacts on their way up and down. */

import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { extractArchive } from "../../core/archive/extract.ts";
import type { EmbeddedJob, JobDescriptionInput, RecordedRequest } from "../../core/embedded/mod.ts";
import { Bench, gapsMs } from "./harness.ts";

const ARTIFACTS = "/artifacts$";
const LIMIT = 40_000;
/** Bytes that do not pack. */
const LARGE = 3_000_000;

/** A job that makes `file` and uploads it. */
function uploading(file = "echo content > file"): JobDescriptionInput {
  return {
    script: [file, "echo made"],
    artifacts: [{ name: "a", paths: ["file"], when: "on_success" }],
  };
}

function calls(bench: Bench, method: "GET" | "POST", job?: EmbeddedJob): RecordedRequest[] {
  return bench.coordinator.requests((request) =>
    request.method === method && request.target.includes("/artifacts") &&
    (job === undefined || request.jobId === job.id)
  );
}

/** The stored archive's one file. */
async function storedFile(bench: Bench, job: EmbeddedJob): Promise<Buffer> {
  const [artifact] = bench.coordinator.artifacts(job);
  if (artifact === undefined) throw new Error("no artifact is stored");
  const destination = mkdtempSync(join(tmpdir(), "runner-artifact-"));
  try {
    await extractArchive({
      archive: artifact.path,
      destination,
      onProblem: (name, problem) => {
        throw new Error(`${name}: ${problem}`);
      },
      signal: new AbortController().signal,
    });
    return readFileSync(join(destination, "file"));
  } finally {
    rmSync(destination, { recursive: true });
  }
}

const FAILED = { state: "failed", failureReason: "script_failure" } as const;

for (
  const [status, why, words] of [
    [413, "413 Request Entity Too Large", "too large"],
    [403, "403 Forbidden", "permission denied"],
  ] as const
) {
  test.concurrent(
    `fault 56: ${status} to an upload is tried once, said clearly, and fails the job`,
    async () => {
      await using bench = await Bench.open();
      const job = bench.coordinator.enqueue(uploading());
      bench.coordinator.inject({
        match: { method: "POST", path: ARTIFACTS },
        action: { kind: "answer", status, body: { message: why } },
        times: null,
      });
      bench.start();
      await bench.expectDelivered(job, { ...FAILED, prints: ["made"] });
      const trace = await job.trace.text();
      expect(trace).toContain(`FATAL: ${words}`);
      expect(trace).toContain(`Uploading artifacts as "archive" to coordinator... ${why}`);
      expect(calls(bench, "POST").length).toBe(1);
      bench.expectNoFindings();
    },
    LIMIT,
  );
}

test.concurrent("fault 57: 400 because another file is there is tried three times", async () => {
  await using bench = await Bench.open();
  const { artifacts: [first] = [] } = uploading();
  const job = bench.coordinator.enqueue({
    script: "echo one > file; echo two > other",
    artifacts: [{ ...first }, { name: "b", paths: ["other"], when: "on_success" }],
  });
  bench.start();
  await bench.expectDelivered(job, { ...FAILED, prints: [] });
  expect(calls(bench, "POST").map(({ status }) => status)).toEqual([201, 400, 400, 400]);
  expect(await job.trace.text()).toContain("another artifact of the same type already exists");
  expect((await storedFile(bench, job)).toString()).toBe("one\n");
  bench.expectNoFindings();
}, LIMIT);

test.concurrent(
  "fault 57: a repeat after a lost 201 has the same bytes and counts as success",
  async () => {
    await using bench = await Bench.open();
    const job = bench.coordinator.enqueue(uploading());
    bench.coordinator.inject({
      match: { method: "POST", path: ARTIFACTS },
      action: { kind: "reset", handled: true },
    });
    bench.start();
    await bench.expectDelivered(job, { prints: ["made"] });
    expect(calls(bench, "POST").map(({ status }) => status)).toEqual([0, 201]);
    expect((await storedFile(bench, job)).toString()).toBe("content\n");
    bench.expectNoFindings();
  },
  LIMIT,
);

test.concurrent("fault 58: seven 503 to an upload are overcome", async () => {
  await using bench = await Bench.open();
  const job = bench.coordinator.enqueue(uploading());
  bench.coordinator.inject({
    match: { method: "POST", path: ARTIFACTS },
    action: { kind: "answer", status: 503 },
    times: 7,
  });
  bench.start();
  await bench.expectDelivered(job, { prints: ["made"] });
  expect(calls(bench, "POST").map(({ status }) => status))
    .toEqual([...Array(7).fill(503), 201]);
  expect((await storedFile(bench, job)).toString()).toBe("content\n");
  bench.expectNoFindings();
}, LIMIT);

test.concurrent("fault 58: 503 for ever ends after six rounds with growing pauses", async () => {
  await using bench = await Bench.open();
  const job = bench.coordinator.enqueue(uploading());
  bench.coordinator.inject({
    match: { method: "POST", path: ARTIFACTS },
    // A pause nobody waits for: each round is one request then.
    action: { kind: "answer", status: 503, headers: { "Retry-After": "86400" } },
    times: null,
  });
  bench.start();
  await bench.expectDelivered(job, { ...FAILED, prints: ["made"] });
  const seconds = gapsMs(calls(bench, "POST")).map((gap) => Math.round(gap / 1000));
  expect(seconds).toEqual([1, 2, 4, 5, 5]);
  expect(await job.trace.text()).toContain("FATAL: service unavailable");
  bench.expectNoFindings();
}, LIMIT);

test.concurrent("fault 59: 201 with an empty, an HTML or a huge body is a success", async () => {
  await using bench = await Bench.open();
  const kinds = ["archive", "junit", "dotenv"];
  const bodies = ["", "<html><body>Created</body></html>", "x".repeat(5_000_000)];
  const job = bench.coordinator.enqueue({
    script: "echo A=1 > file",
    artifacts: kinds.map((type) => ({
      name: type,
      paths: ["file"],
      when: "on_success",
      artifact_type: type,
      artifact_format: type === "archive" ? "zip" : "gzip",
    })),
  });
  for (const body of bodies) {
    bench.coordinator.inject({
      match: { method: "POST", path: ARTIFACTS },
      action: { kind: "alter", headers: { "Content-Type": "text/html" }, body },
    });
  }
  bench.start();
  await bench.expectDelivered(job, { prints: [] });
  expect(calls(bench, "POST").map(({ status }) => status)).toEqual([201, 201, 201]);
  expect(bench.coordinator.artifacts(job).map(({ type }) => type)).toEqual(kinds);
  bench.expectNoFindings();
}, LIMIT);

test("fault 60: 307 to another host brings the body there, and not the token", async () => {
  const seen: { token: string | null; text: string }[] = [];
  const other = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    maxRequestBodySize: 2 * LARGE,
    async fetch(request) {
      const token = request.headers.get("job-token");
      seen.push({ token, text: Buffer.from(await request.bytes()).toString("latin1") });
      return new Response("201", { status: 201 });
    },
  });
  try {
    await using bench = await Bench.open();
    const job = bench.coordinator.enqueue(uploading(`head -c ${LARGE} /dev/urandom > file`));
    bench.coordinator.inject({
      match: { method: "POST", path: ARTIFACTS },
      action: { kind: "redirect", location: `http://127.0.0.1:${other.port}/elsewhere` },
    });
    bench.start();
    await bench.expectDelivered(job, { prints: ["made"] });
    expect(seen.map(({ token }) => token)).toEqual([null]);
    expect(seen[0]?.text.length).toBeGreaterThan(LARGE);
    expect(seen[0]?.text).not.toContain(job.token);
    expect(seen[0]?.text).toEndWith("--\r\n");
    bench.expectNoFindings();
  } finally {
    await other.stop(true);
  }
}, LIMIT);

test("fault 61: an upload cut in the middle is sent again from its beginning", async () => {
  await using bench = await Bench.open();
  const job = bench.coordinator.enqueue(uploading(
    `head -c ${LARGE} /dev/urandom > file; cp file ${bench.process.dir}/copy`,
  ));
  bench.coordinator.inject({
    match: { method: "POST", path: ARTIFACTS },
    action: { kind: "cut-request", afterBytes: LARGE / 2 },
  });
  bench.start();
  await bench.expectDelivered(job, { prints: ["made"] });
  expect(calls(bench, "POST").map(({ status }) => status)).toEqual([0, 201]);
  const copy = readFileSync(`${bench.process.dir}/copy`);
  expect((await storedFile(bench, job)).equals(copy)).toBe(true);
  bench.expectNoFindings();
}, LIMIT);

test("fault 62: a 413 that comes while the client still sends is noticed", async () => {
  await using bench = await Bench.open({ coordinator: { artifactLimitBytes: 1_000_000 } });
  const job = bench.coordinator.enqueue(uploading("head -c 30000000 /dev/urandom > file"));
  bench.start();
  await bench.expectDelivered(job, { ...FAILED, prints: ["made"] });
  expect(calls(bench, "POST").map(({ status }) => status)).toEqual([413]);
  expect(await job.trace.text()).toContain("FATAL: too large");
  bench.expectNoFindings();
}, LIMIT);

/** Answers as an object storage would, and remembers what it was asked. */
function storage(answer: (request: Request) => Response | Promise<Response>) {
  const asked: Headers[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      asked.push(request.headers);
      return answer(request);
    },
  });
  return {
    asked,
    url: `http://127.0.0.1:${server.port}/object?signature=abc`,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

/** A job with an artifact, then one that wants it, whose first question is redirected to `url`. */
async function downloadFrom(bench: Bench, url: string): Promise<EmbeddedJob> {
  const { coordinator } = bench;
  const maker = coordinator.enqueue(uploading(`seq 1 100000 > file`));
  bench.start();
  expect((await maker.finished).state).toBe("success");
  coordinator.inject({
    match: { method: "GET", path: ARTIFACTS },
    action: { kind: "redirect", status: 302, location: url },
    times: null,
  }, ({ url: asked }) => asked.searchParams.get("direct_download") === "true");
  return coordinator.enqueue({
    script: ["ls", "cksum < file"],
    dependencies: [maker.id],
  });
}

const DENIED =
  "<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>";
const BROKEN_STORAGES = {
  "403 with XML (an expired URL)": () => new Response(DENIED, { status: 403 }),
  "404": () => new Response("no such key", { status: 404 }),
  "500": () => new Response("oops", { status: 500 }),
  "a redirect to itself": (request: Request) => Response.redirect(request.url, 302),
};
/** What `cksum` says of the lines 1 to 100000. */
const SUM = "2052179976 588895";

for (const [name, answer] of Object.entries(BROKEN_STORAGES)) {
  test.concurrent(
    `fault 63: when the storage answers ${name}, the coordinator gives the file`,
    async () => {
      await using store = storage(answer);
      await using bench = await Bench.open();
      const job = await downloadFrom(bench, store.url);
      await bench.expectDelivered(job, { prints: [SUM] });
      expect(store.asked.length).toBeGreaterThan(0);
      expect(store.asked.some((headers) => headers.has("job-token"))).toBe(false);
      expect(calls(bench, "GET").map(({ target }) => target.includes("direct_download=true")))
        .toEqual([true, false]);
      bench.expectNoFindings();
    },
    LIMIT,
  );
}

test.concurrent(
  "fault 63: when the coordinator refuses as well, its error is the final one",
  async () => {
    await using store = storage(BROKEN_STORAGES["403 with XML (an expired URL)"]);
    await using bench = await Bench.open();
    const job = await downloadFrom(bench, store.url);
    bench.coordinator.inject({
      match: { method: "GET", path: ARTIFACTS },
      action: { kind: "answer", status: 404, body: { message: "404 Not Found" } },
      times: null,
    }, ({ url }) => !url.searchParams.has("direct_download"));
    await bench.expectDelivered(job, { ...FAILED, prints: [] });
    expect(calls(bench, "GET").length).toBe(2);
    expect(await job.trace.text()).toContain("FATAL: file does not exist");
    bench.expectNoFindings();
  },
  LIMIT,
);

const SHORT_STORAGES = {
  // Bun's server resets the connection when a body fails.
  "a body that breaks off": () =>
    new Response(
      new ReadableStream({
        async start(controller) {
          controller.enqueue(new Uint8Array(1000));
          await Bun.sleep(50);
          controller.error(undefined);
        },
      }),
      { headers: { "Content-Length": "200000" } },
    ),
  "206 with a wrong Content-Range that nobody asked for": () =>
    new Response(new Uint8Array(1000), {
      status: 206,
      headers: { "Content-Range": "bytes 0-999/1000" },
    }),
};

for (const [name, answer] of Object.entries(SHORT_STORAGES)) {
  test.concurrent(`fault 64: ${name} from the storage is not unpacked`, async () => {
    await using store = storage(answer);
    await using bench = await Bench.open();
    const job = await downloadFrom(bench, store.url);
    await bench.expectDelivered(job, { prints: [SUM] });
    // Whole files only are asked for, so a storage needs no ranges.
    expect(store.asked.map((headers) => headers.get("range"))).toEqual([null]);
    bench.expectNoFindings();
  }, LIMIT);
}

test.concurrent("fault 64: a short body of the coordinator itself is asked for again", async () => {
  await using bench = await Bench.open();
  const { coordinator } = bench;
  const maker = coordinator.enqueue(uploading("seq 1 100000 > file"));
  bench.start();
  await maker.finished;
  for (const afterBytes of [0, 1000]) {
    coordinator.inject({
      match: { method: "GET", path: ARTIFACTS },
      action: { kind: "cut", afterBytes },
    });
  }
  const job = coordinator.enqueue({ script: "cksum < file", dependencies: [maker.id] });
  await bench.expectDelivered(job, { prints: [SUM] });
  expect(calls(bench, "GET").length).toBe(3);
  bench.expectNoFindings();
}, LIMIT);

test.concurrent(
  "fault 65: an expired dependency (404) is a clear error, without a retry",
  async () => {
    await using bench = await Bench.open();
    const { coordinator } = bench;
    const maker = coordinator.enqueue(uploading());
    bench.start();
    await maker.finished;
    coordinator.inject({
      match: { method: "GET", path: ARTIFACTS },
      action: { kind: "answer", status: 404, body: { message: "404 Not Found" } },
      times: null,
    });
    const job = coordinator.enqueue({ script: "echo never", dependencies: [maker.id] });
    await bench.expectDelivered(job, { ...FAILED, prints: [] });
    expect(calls(bench, "GET").length).toBe(1);
    const trace = await job.trace.text();
    expect(trace).toContain("Downloading artifacts from coordinator... not found");
    expect(trace).toContain("FATAL: file does not exist");
    expect(trace).not.toContain("never");
    bench.expectNoFindings();
  },
  LIMIT,
);
