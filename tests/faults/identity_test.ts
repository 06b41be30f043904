/** Faults 66 to 68: a coordinator that is odd about who the runner is. */

import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";

import type { FaultInput } from "../../core/embedded/mod.ts";
import { Bench, eventually } from "./harness.ts";

const VERIFY = "^/api/v4/runners/verify$";
const RESET = "^/api/v4/runners/reset_authentication_token$";
const SERVER_ERROR = {
  kind: "answer",
  status: 500,
  body: { message: "500 Internal Server Error" },
} as const;

// They wait for one another on a busy machine.
setDefaultTimeout(20_000);

function command(bench: Bench, name: string, ...flags: string[]) {
  return bench.process.command([name, "--config", bench.process.configPath, ...flags]);
}

function config(bench: Bench): string {
  return readFileSync(bench.process.configPath, "utf8");
}

function calls(bench: Bench, path: string): number {
  return bench.coordinator.requests(({ target }) => new RegExp(path).test(target)).length;
}

async function verifying(action: FaultInput["action"]) {
  const bench = await Bench.open();
  bench.coordinator.inject({ match: { path: VERIFY }, action, times: null });
  return bench;
}

test.concurrent("fault 66: 500 to verify says nothing about the token, and --delete keeps the entry", async () => {
  await using bench = await verifying(SERVER_ERROR);
  const before = config(bench);
  const { code, stderr } = await command(bench, "verify", "--delete");
  expect(code).toBe(1);
  expect(stderr).toContain("Verifying runner... failed");
  expect(stderr).toContain("500 Internal Server Error");
  expect(stderr).not.toContain("not valid");
  expect(config(bench)).toBe(before);
  expect(calls(bench, VERIFY)).toBe(5);
  bench.expectNoFindings();
});

for (const body of ["200", "", "null", null, "<html></html>"]) {
  test.concurrent(`fault 66: 200 with ${JSON.stringify(body)} to verify is a valid token`, async () => {
    await using bench = await verifying({ kind: "answer", status: 200, body });
    const before = config(bench);
    const { code, stderr } = await command(bench, "verify", "--delete");
    expect(stderr).toContain("Verifying runner... is valid");
    expect(code).toBe(0);
    expect(config(bench)).toBe(before);
    bench.expectNoFindings();
  });
}

test.concurrent("fault 66: 403 to verify, and only that, is an invalid token", async () => {
  await using bench = await verifying({
    kind: "answer",
    status: 403,
    body: { message: "403 Forbidden" },
  });
  const before = config(bench);
  const look = await command(bench, "verify");
  expect(look.code).toBe(1);
  expect(look.stderr).toContain("Verifying runner... is not valid");
  expect(config(bench)).toBe(before);
  const cleanUp = await command(bench, "verify", "--delete");
  expect(cleanUp.code).toBe(0);
  expect(config(bench)).not.toContain(bench.runner.token);
  expect(calls(bench, VERIFY)).toBe(2);
  bench.expectNoFindings();
});

for (
  const [name, action, told] of [
    ["403", { kind: "answer", status: 403, body: { message: "403 Forbidden" } }, "403 Forbidden"],
    ["500", SERVER_ERROR, "500 Internal Server Error"],
    ["a reply that is lost after the rotation", { kind: "reset", handled: true }, "was cut"],
    ["a 201 without a token", { kind: "answer", status: 201, body: {} }, "token"],
  ] as const
) {
  test.concurrent(`fault 67: reset-token with ${name} keeps the config and says so`, async () => {
    await using bench = await Bench.open();
    bench.coordinator.inject({ match: { path: RESET }, action, times: null });
    const before = config(bench);
    const { code, stderr } = await command(bench, "reset-token", "--all-runners");
    expect(code).toBe(1);
    expect(stderr).toContain("ERROR: ");
    expect(stderr).toContain(told);
    expect(stderr).toContain("Failed to reset runner tokens");
    expect(config(bench)).toBe(before);
    expect(calls(bench, RESET)).toBeLessThanOrEqual(5);
    bench.expectNoFindings();
  });

  test.concurrent(`fault 67: automatic rotation with ${name} keeps the config and does not spin`, async () => {
    const at = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
    await using bench = await Bench.open({
      entry: [`token_obtained_at = ${at(-9)}`, `token_expires_at = ${at(1)}`],
    });
    bench.coordinator.inject({ match: { path: RESET }, action, times: null });
    const before = config(bench);
    bench.start();
    await eventually(
      () => bench.process.log.includes("Cannot rotate the runner's token"),
      "the operator is told",
    );
    const tried = calls(bench, RESET);
    expect(bench.process.log).toContain(told);
    await Bun.sleep(1500);
    expect(calls(bench, RESET)).toBe(tried);
    expect(tried).toBeLessThanOrEqual(5);
    expect(config(bench)).toBe(before);
    // The lost reply has killed the old token; otherwise it still brings jobs.
    if (action.kind !== "reset") await bench.expectJobsFlow();
    bench.expectNoFindings();
  });
}

for (
  const [name, meanwhile] of [
    ["a reload", async (bench: Bench) => {
      writeFileSync(
        bench.process.configPath,
        config(bench).replace(/concurrent = \d+/, "concurrent = 3"),
      );
      await eventually(() => bench.process.log.includes("→ 3 (applies now)"), "the reload");
    }],
    ["SIGTERM", (bench: Bench) => bench.process.signal("SIGTERM")],
  ] as const
) {
  test.concurrent(`a token that is being renewed is not lost by ${name}`, async () => {
    const at = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
    await using bench = await Bench.open({
      entry: [`token_obtained_at = ${at(-9)}`, `token_expires_at = ${at(1)}`],
    });
    const old = bench.runner.token;
    bench.coordinator.inject({
      match: { path: RESET },
      action: { kind: "slow", bytesPerSecond: 40 },
    });
    bench.start();
    await eventually(() => bench.runner.token !== old, "the new token at the coordinator");
    await meanwhile(bench);
    await eventually(() => config(bench).includes(`token = "${bench.runner.token}"`), "it here");
    expect(calls(bench, RESET)).toBe(1);
    if (name === "SIGTERM") expect(await bench.process.exited()).toBe(0);
    else await bench.expectJobsFlow();
    bench.expectNoFindings();
  });
}

test.concurrent("fault 68: 404 to the removal of this manager means that it is gone already", async () => {
  await using bench = await Bench.open();
  const { code, stderr } = await command(bench, "unregister", "--all-runners");
  expect(bench.coordinator.requests().map(({ method, target, status }) => [method, target, status]))
    .toEqual([["DELETE", "/api/v4/runners/managers", 404]]);
  expect(code).toBe(0);
  expect(stderr).toContain("it was not there any more");
  expect(config(bench)).not.toContain(bench.runner.token);
  bench.expectNoFindings();
});

test.concurrent("fault 68: 500 to the removal of this manager keeps the entry", async () => {
  await using bench = await Bench.open();
  bench.coordinator.inject({ match: { method: "DELETE" }, action: SERVER_ERROR, times: null });
  const before = config(bench);
  const { code, stderr } = await command(bench, "unregister", "--all-runners");
  expect(code).toBe(1);
  expect(stderr).toContain("500 Internal Server Error");
  expect(config(bench)).toBe(before);
  bench.expectNoFindings();
});
