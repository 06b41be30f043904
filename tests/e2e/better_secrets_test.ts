/** Where a job's token must never be: arguments, readable environments, other hosts. */

import { afterAll, beforeAll, expect, test } from "bun:test";

import { EmbeddedCoordinator } from "../../core/embedded/mod.ts";
import { expectSuccess, Lab } from "./lab.ts";
import { processes } from "../fixtures/processes.ts";

let lab: Lab;
beforeAll(async () => {
  lab = (await Lab.open({ coordinator: { storageRedirect: true } })).start();
});
afterAll(async () => await lab[Symbol.asyncDispose]());

const ARCHIVE = { artifact_type: "archive", artifact_format: "zip" };

test("no token is in any process's arguments, nor in an environment that others can read", async () => {
  const source = await lab.run({
    script: "echo x > f",
    artifacts: [{ ...ARCHIVE, paths: ["f"] }],
  });
  expectSuccess(source);
  const job = lab.enqueue({
    repository: lab.repositories.withSubmodule,
    variables: { GIT_SUBMODULE_STRATEGY: "recursive", SECRET: { value: "x", file: true } },
    dependencies: [source.job.id],
    cache: [{ key: "k", paths: ["f"], policy: "pull-push" }],
    script: ["git fetch -q origin main", "sleep 0.2"],
    afterScript: "true",
    artifacts: [{ ...ARCHIVE, paths: ["f"] }],
  });
  const secrets = [job.token, source.job.token, lab.runner.token];
  const leaks = new Set<string>();
  const seen = new Set<string>();
  let isOver = false;
  const watching = (async () => {
    while (!isOver) {
      for (const { commandLine, environmentMode } of processes()) {
        if (commandLine.includes(lab.process.dir)) seen.add(commandLine);
        if (secrets.some((secret) => commandLine.includes(secret))) leaks.add(commandLine);
        if (environmentMode !== undefined && (environmentMode & 0o077) !== 0) {
          leaks.add(`environment with mode ${environmentMode.toString(8)}: ${commandLine}`);
        }
      }
      await Bun.sleep(1);
    }
  })();
  const finished = await lab.finished(job);
  isOver = true;
  await watching;
  expectSuccess(finished);
  expect([...leaks]).toEqual([]);
  // The watch did see the job's own processes.
  expect([...seen].some((line) => line.includes("artifacts") || line.includes("cache"))).toBe(true);
});

test("artifacts come from object storage without the job's token", async () => {
  const source = await lab.run({ script: "echo x > f", artifacts: [{ ...ARCHIVE, paths: ["f"] }] });
  const job = await lab.run({
    dependencies: [source.job.id],
    variables: { FF_USE_DIRECT_DOWNLOAD: "true", GIT_STRATEGY: "empty" },
    script: "cat f",
  });
  expectSuccess(job);
  expect(job.lines).toContain("x");
  expect(lab.coordinator.findings().filter(({ rule }) => rule === "token-to-storage")).toEqual([]);
});

test("a redirect of an upload or a download to another host carries no token there", async () => {
  const received: string[] = [];
  const elsewhere = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const headers = JSON.stringify([...request.headers]);
      received.push(`${request.method} ${request.url} ${headers} ${await request.text()}`);
      return new Response("{}", { status: 201 });
    },
  });
  try {
    const source = await lab.run({
      script: "echo x > f",
      artifacts: [{ ...ARCHIVE, paths: ["f"] }],
    });
    const job = lab.enqueue({
      dependencies: [source.job.id],
      script: "echo x > f",
      artifacts: [{ ...ARCHIVE, paths: ["f"] }],
    });
    const location = `http://127.0.0.1:${elsewhere.port}/stolen`;
    const redirect = { kind: "redirect" as const, location };
    const path = "/artifacts";
    lab.coordinator.inject({ match: { path, method: "GET" }, action: redirect, times: 9 });
    lab.coordinator.inject({ match: { path, method: "POST" }, action: redirect, times: 9 });
    await lab.finished(job);
    expect(received.length).toBeGreaterThan(0);
    const stolen = received.filter((call) =>
      [job.token, source.job.token, lab.runner.token].some((secret) => call.includes(secret))
    );
    expect(stolen).toEqual([]);
  } finally {
    await elsewhere.stop(true);
    lab.coordinator.faults.clear();
  }
});

test("a job request that is redirected to another host takes no token there", async () => {
  const received: string[] = [];
  const elsewhere = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      received.push(JSON.stringify([...request.headers]) + await request.text());
      return new Response(null, { status: 204 });
    },
  });
  const coordinator = await EmbeddedCoordinator.start();
  const runner = coordinator.addRunner();
  try {
    coordinator.inject({
      match: { path: "/verify$|/request$" },
      action: { kind: "redirect", location: `http://127.0.0.1:${elsewhere.port}/stolen` },
      times: 99,
    });
    const flags = ["--url", coordinator.url, "--token", runner.token, "--executor", "shell"];
    const { code } = await lab.process.command([
      "register",
      "--non-interactive",
      "--config",
      lab.path("redirected.toml"),
      ...flags,
    ]);
    expect(code).not.toBe(0);
    expect(received.filter((call) => call.includes(runner.token))).toEqual([]);
  } finally {
    await elsewhere.stop(true);
    await coordinator.stop();
  }
});
