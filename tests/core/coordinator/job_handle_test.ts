import { expect, test } from "bun:test";
import type { JobUpdate, TraceChunk } from "../../../core/coordinator/coordinator.ts";
import type { Metrics } from "../../../core/metrics/metrics.ts";
import { calm, coordinator, empty, info, onRequest, rawServer, scripted } from "./support.ts";

const IDENTITY = { id: 501, token: "glcbt-64_secretsecret" };
const chunk: TraceChunk = { offset: 1500, bytes: Buffer.from("hello"), debugTrace: false };
const running: JobUpdate = { state: "running" };

async function patch(reply: Response) {
  await using server = scripted(reply);
  using client = coordinator(server.url);
  const outcome = await client.job(IDENTITY, info).patchTrace(chunk, calm);
  return { outcome, seen: server.seen, lines: client.lines };
}

async function update(reply: Response, sent: JobUpdate = running) {
  await using server = scripted(reply);
  using client = coordinator(server.url);
  const outcome = await client.job(IDENTITY, info).updateJob(sent, calm);
  return { outcome, seen: server.seen, lines: client.lines };
}

test("patchTrace sends the bytes with their range and the job's token", async () => {
  const { outcome, seen: [seen], lines } = await patch(empty(202, {
    "Job-Status": "running",
    "Range": "0-1505",
    "X-GitLab-Trace-Update-Interval": "60",
  }));
  expect(outcome).toEqual({
    kind: "accepted",
    stored: 1505,
    cancelRequested: false,
    updateIntervalMs: 60_000,
  });
  expect(seen?.method).toBe("PATCH");
  expect(`${seen?.url.pathname}${seen?.url.search}`).toBe(
    "/api/v4/jobs/501/trace?debug_trace=false",
  );
  expect(seen?.headers.get("content-range")).toBe("1500-1504");
  expect(seen?.headers.get("content-type")).toBe("text/plain");
  expect(seen?.headers.get("job-token")).toBe(IDENTITY.token);
  expect(seen?.headers.get("runner-token")).toBeNull();
  expect(seen?.text).toBe("hello");
  expect(lines.at(-1)).toMatchObject({
    level: "info",
    message: "Appending trace to coordinator... ok",
    fields: {
      job: 501,
      code: 202,
      "sent-log": "1500-1504",
      "job-log": "0-1505",
      "job-status": "running",
      "update-interval": "1m0s",
    },
  });
  expect(JSON.stringify(lines)).not.toContain("secretsecret");
});

test.each([
  [403, {}, { kind: "job-over", status: undefined }],
  [403, { "Job-Status": "success" }, { kind: "job-over", status: "success" }],
  [202, { "Job-Status": "canceled" }, { kind: "job-over", status: "canceled" }],
  [416, { "Job-Status": "failed" }, { kind: "job-over", status: "failed" }],
  [202, { "Job-Status": "canceling" }, { kind: "accepted", cancelRequested: true }],
  [202, {}, { kind: "accepted", stored: undefined, updateIntervalMs: undefined }],
  [404, {}, { kind: "job-not-found" }],
  [416, { Range: "0-100" }, { kind: "range-mismatch", size: 100 }],
  [416, { Range: "bytes" }, { kind: "range-mismatch", size: undefined }],
  [416, {}, { kind: "range-mismatch", size: undefined }],
  [200, {}, { kind: "rejected", status: 200 }],
  [204, {}, { kind: "rejected", status: 204 }],
  [400, {}, { kind: "rejected", status: 400 }],
])("patchTrace turns %d %o into %o", async (status, headers, expected) => {
  const { outcome, seen } = await patch(empty(status, { ...headers }));
  expect(outcome).toMatchObject(expected);
  expect(seen).toHaveLength(1);
});

test.each([["3", 3000], ["0", undefined], ["-1", undefined], ["abc", undefined], [
  "99999",
  900_000,
]])(
  "patchTrace reads the update interval %s as %p",
  async (header, expected) => {
    const { outcome } = await patch(empty(202, { "X-GitLab-Trace-Update-Interval": `${header}` }));
    expect(outcome.updateIntervalMs).toBe(expected as number);
  },
);

test("patchTrace repeats the same bytes after 502 and counts it", async () => {
  await using server = scripted(empty(502), empty(202));
  const retries: unknown[] = [];
  const requests: unknown[] = [];
  const metrics = {
    apiRetry: (event: unknown) => retries.push(event),
    apiRequest: (event: { durationMs: number }) => requests.push({ ...event, durationMs: 0 }),
  } as unknown as Metrics;
  using client = coordinator(server.url, { metrics });
  const outcome = await client.job(IDENTITY, info).patchTrace(chunk, calm);
  expect(outcome.kind).toBe("accepted");
  expect(server.seen.map((seen) => seen.text)).toEqual(["hello", "hello"]);
  expect(retries).toEqual([{ path: "/api/v4/jobs/:id/trace", method: "PATCH" }]);
  expect(requests).toEqual([{
    runner: "abcdefghi",
    systemId: "s_123456789abc",
    endpoint: "patch_trace",
    method: "PATCH",
    status: 202,
    durationMs: 0,
  }]);
});

test("patchTrace is not sent twice when the answer is lost", async () => {
  let patches = 0;
  await using server = await rawServer((socket) =>
    onRequest(socket, () => {
      patches++;
      if (patches === 1) socket.write("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
      else socket.resetAndDestroy();
    })
  );
  using client = coordinator(server.url);
  const job = client.job(IDENTITY, info);
  expect((await job.patchTrace(chunk, calm)).kind).toBe("accepted");
  const lost = await job.patchTrace(chunk, calm);
  expect(lost).toMatchObject({ kind: "unreachable", cancelRequested: false });
  expect(patches).toBe(2);
});

test("updateJob sends a keep-alive without checksum as an empty output", async () => {
  const { outcome, seen: [seen], lines } = await update(new Response("200"));
  expect(outcome.kind).toBe("accepted");
  expect(seen?.method).toBe("PUT");
  expect(seen?.url.pathname).toBe("/api/v4/jobs/501");
  expect(seen?.headers.get("job-token")).toBe(IDENTITY.token);
  expect(seen?.json()).toEqual({
    token: IDENTITY.token,
    info: { ...info, config: { gpus: "" } },
    state: "running",
    output: {},
  });
  expect(lines.map(({ message }) => message))
    .toEqual(["Updating job...", "Submitting job to coordinator... ok"]);
  expect(JSON.stringify(lines)).not.toContain("secretsecret");
});

test("updateJob sends reason, exit code and both checksums of a failed job", async () => {
  const { seen: [seen] } = await update(new Response("200"), {
    state: "failed",
    failureReason: "script_failure",
    exitCode: 7,
    trace: { crc32: 0xab, size: 10421 },
  });
  expect(seen?.json()).toMatchObject({
    state: "failed",
    failure_reason: "script_failure",
    exit_code: 7,
    output: { checksum: "crc32:000000ab", bytesize: 10421 },
    checksum: "crc32:000000ab",
  });
});

test("updateJob leaves out what is empty or zero", async () => {
  const { seen: [seen] } = await update(new Response("200"), {
    state: "success",
    exitCode: 0,
    trace: { crc32: 0, size: 0 },
  });
  expect(seen?.json()).not.toHaveProperty("exit_code");
  expect(seen?.json()).not.toHaveProperty("failure_reason");
  expect(seen?.json()["output"]).toEqual({ checksum: "crc32:00000000" });
});

test.each([
  [202, { "X-GitLab-Trace-Update-Interval": "4" }, { kind: "pending", updateIntervalMs: 4000 }],
  [412, {}, { kind: "trace-refused" }],
  [404, {}, { kind: "job-not-found" }],
  [403, {}, { kind: "job-over" }],
  [200, { "Job-Status": "canceled" }, { kind: "job-over", status: "canceled" }],
  [200, { "Job-Status": "canceling" }, { kind: "accepted", cancelRequested: true }],
  [409, {}, { kind: "rejected", status: 409 }],
  [201, {}, { kind: "rejected", status: 201 }],
  [400, {}, { kind: "rejected", status: 400 }],
])("updateJob turns %d %o into %o", async (status, headers, expected) => {
  const { outcome } = await update(empty(status, { ...headers }));
  expect(outcome).toMatchObject(expected);
});
