import { expect, test } from "bun:test";
import {
  calm,
  coordinator,
  empty,
  info,
  json,
  onRequest,
  rawServer,
  scripted,
  TOKEN,
} from "./support.ts";

const JOB = { id: 501, token: "glcbt-64_secretsecret" };
const request = { info };

test("requestJob sends token, identity and info in the places GitLab reads", async () => {
  await using server = scripted(empty(204));
  using client = coordinator(`${server.url}/gitlab/ci/`);
  expect((await client.requestJob(request, calm)).kind).toBe("no-job");
  const [seen] = server.seen;
  expect(seen?.method).toBe("POST");
  expect(seen?.url.pathname).toBe("/gitlab/api/v4/jobs/request");
  expect(seen?.headers.get("runner-token")).toBe(TOKEN);
  expect(seen?.headers.get("content-type")).toBe("application/json");
  expect(seen?.headers.get("accept")).toBe("application/json");
  expect(seen?.headers.get("accept-encoding")).toBe("gzip");
  expect(seen?.headers.get("x-request-id")).toMatch(/^[0-9a-f]{32}$/);
  expect(seen?.headers.get("user-agent")).toMatch(/^gitlab-runner 19\.4\.0 \(.*; \w+\/\w+\)$/);
  expect(seen?.json()).toEqual({
    token: TOKEN,
    system_id: "s_123456789abc",
    info: { ...info, config: { gpus: "" } },
  });
});

test("requestJob sends the newest non-empty queue value again", async () => {
  await using server = scripted(
    empty(204, { "X-GitLab-Last-Update": "one" }),
    empty(204),
    json(201, JOB, { "X-GitLab-Last-Update": "two" }),
    empty(204, { "X-GitLab-Last-Update": "" }),
    empty(204),
  );
  using client = coordinator(server.url);
  for (let turn = 0; turn < 5; turn++) await client.requestJob(request, calm);
  expect(server.seen.map((seen) => seen.json()["last_update"]))
    .toEqual([undefined, "one", "one", "two", "two"]);
});

test("requestJob decodes a job with unknown fields and null everywhere else", async () => {
  const nothing = Object.fromEntries(
    ["job_info", "git_info", "runner_info", "variables", "steps", "image", "services", "artifacts"]
      .concat(["cache", "credentials", "dependencies", "features", "hooks", "inputs", "secrets"])
      .map((key) => [key, null]),
  );
  const answer = json(201, { ...JOB, ...nothing, brand_new: { x: 1 } }, {
    "X-Request-Id": "theirs",
    "Content-Type": "application/json; charset=utf-8",
  });
  await using server = scripted(answer);
  using client = coordinator(server.url);
  const outcome = await client.requestJob(request, calm);
  expect(outcome).toMatchObject({ kind: "job", correlationId: "theirs", tls: {} });
  expect(outcome.kind === "job" && outcome.job.variables).toEqual([]);
  const line = client.lines.find(({ message }) => message === "Checking for jobs... received");
  expect(line?.fields).toMatchObject({ job: 501, runner: "abcdefghi", correlation_id: "theirs" });
});

test.each([
  [403, "forbidden"],
  [409, "conflict"],
  [413, "rejected"],
  [422, "rejected"],
  [400, "rejected"],
  [200, "rejected"],
])("requestJob answers %d with %s, at once", async (status, kind) => {
  await using server = scripted(json(status, { message: "403 Forbidden - why" }));
  using client = coordinator(server.url);
  expect((await client.requestJob(request, calm)).kind).toBe(kind as "forbidden");
  expect(server.seen).toHaveLength(1);
});

test.each([500, 502, 504, 408])("requestJob is not repeated after %d", async (status) => {
  await using server = scripted(empty(status));
  using client = coordinator(server.url);
  expect(await client.requestJob(request, calm)).toMatchObject({ kind: "rejected", status });
  expect(server.seen).toHaveLength(1);
});

test.each([429, 503])(
  "requestJob is repeated after %d with the same request id",
  async (status) => {
    await using server = scripted(empty(status), empty(status), empty(204));
    using client = coordinator(server.url);
    expect((await client.requestJob(request, calm)).kind).toBe("no-job");
    expect(new Set(server.seen.map((seen) => seen.headers.get("x-request-id"))).size).toBe(1);
    expect(server.seen).toHaveLength(3);
  },
);

const whole = JSON.stringify({
  job_info: { id: 7, token: "not this" },
  ...JOB,
  steps: [{ name: "script", script: ["echo {"] }],
});

test.each([
  ["truncated JSON", whole.slice(0, -10), "application/json", "no valid JSON"],
  ["the wrong media type", whole, "text/html", "text/html"],
  ["a wrong inputs type", JSON.stringify({ ...JOB, inputs: 5 }), "application/json", "inputs"],
])("requestJob names the job of a payload with %s", async (_, body, type, problem) => {
  await using server = scripted(
    new Response(body, { status: 201, headers: { "Content-Type": type } }),
  );
  using client = coordinator(server.url);
  const outcome = await client.requestJob(request, calm);
  expect(outcome).toMatchObject({ kind: "unusable-job", job: JOB });
  expect(outcome.kind === "unusable-job" && outcome.problem).toContain(problem);
  const line = client.lines.find(({ level }) => level === "error");
  expect(line?.message).toBe("Checking for jobs... failed");
  expect(JSON.stringify(client.lines)).not.toContain("secretsecret");
});

test.each([
  ["<html>Sign in</html>", "text/html"],
  ['{"id":501,"token":"glcbt-64_se', "application/json"],
  ["", "application/json"],
])("requestJob answers unreachable when nobody's job can be read in %s", async (body, type) => {
  await using server = scripted(
    new Response(body, { status: 201, headers: { "Content-Type": type } }),
  );
  using client = coordinator(server.url);
  expect((await client.requestJob(request, calm)).kind).toBe("unreachable");
});

test("requestJob starts no job when the connection is reset in mid answer, and asks once", async () => {
  await using server = await rawServer((socket) =>
    onRequest(socket, () => {
      const head = "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n";
      socket.write(`${head}Content-Length: 5000\r\n\r\n${whole}`, () => {
        setTimeout(() => socket.resetAndDestroy(), 10);
      });
    })
  );
  using client = coordinator(server.url);
  expect((await client.requestJob(request, calm)).kind).toBe("unreachable");
  expect(server.connections).toBe(1);
});

test("requestJob refuses to send more than 32 KiB and says why", async () => {
  await using server = scripted(empty(204));
  using client = coordinator(server.url);
  const session = { url: "https://x", authorization: "a", certificate: "c".repeat(33_000) };
  expect(await client.requestJob({ info, session }, calm)).toMatchObject({ status: 413 });
  expect(server.seen).toEqual([]);
  expect(client.lines.filter(({ level }) => level === "error")).toHaveLength(1);
});

test("requestJob gives up a long poll as soon as its signal aborts", async () => {
  await using server = await rawServer(() => {});
  using client = coordinator(server.url);
  const controller = new AbortController();
  const polling = client.requestJob(request, { signal: controller.signal });
  setTimeout(() => controller.abort(new Error("shutting down")), 20);
  await expect(polling).rejects.toThrow("shutting down");
});

test("requestJob answers unreachable while nobody listens", async () => {
  const gone = await rawServer(() => {});
  await gone[Symbol.asyncDispose]();
  using client = coordinator(gone.url);
  const outcome = await client.requestJob(request, calm);
  expect(outcome).toMatchObject({
    kind: "unreachable",
    message: `Cannot connect to "127.0.0.1:${gone.port}": connection refused`,
  });
});

test("requestJob leaves credentials of the clone URL out of the log", async () => {
  const git = { repo_url: "https://gitlab-ci-token:hunter2@gitlab.example/a/b.git" };
  await using server = scripted(json(201, { ...JOB, git_info: git }));
  using client = coordinator(server.url);
  await client.requestJob(request, calm);
  expect(JSON.stringify(client.lines)).toContain("https://gitlab.example/a/b.git");
  expect(JSON.stringify(client.lines)).not.toContain("hunter2");
});
