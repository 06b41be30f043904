import { expect, test } from "bun:test";
import type { RunnerConfig } from "../../../core/config/schema.ts";
import { rotateToken, rotationDue } from "../../../core/runner/token_rotation.ts";
import { Secret } from "../../../core/util/secret.ts";
import { quietLogger } from "../../fakes/quiet_logger.ts";

function runner(obtained: number, expires: number, flags: Record<string, boolean> = {}) {
  return {
    token: new Secret("glrt-abcdefghijkl"),
    token_obtained_at: new Date(obtained),
    token_expires_at: new Date(expires),
    feature_flags: flags,
  } as unknown as RunnerConfig;
}

test("rotationDue() is at three quarters of the token's life", () => {
  expect(rotationDue(runner(1000, 5000))).toBe(4000);
  expect(rotationDue(runner(1000, 0))).toBeUndefined();
  expect(rotationDue(runner(1000, 5000, { FF_DISABLE_AUTOMATIC_TOKEN_ROTATION: true })))
    .toBeUndefined();
});

test("rotateToken() renews the token once it is due", async () => {
  const renewed: string[] = [];
  const told: unknown[] = [];
  await rotateToken(runner(0, 8000), {
    logger: {
      ...quietLogger,
      with: () => ({ ...quietLogger, info: (...line) => told.push(line) }),
    },
    now: () => 7000,
    renew: (entry) => {
      renewed.push(entry.token.reveal());
      const token = new Secret("glrt-new");
      return Promise.resolve({ kind: "reset", token, expiresAt: undefined });
    },
  }, { signal: new AbortController().signal });
  expect(renewed).toEqual(["glrt-abcdefghijkl"]);
  expect(told).toEqual([["Rotated the runner's token", { expires_at: "never" }]]);
});

test("rotateToken() keeps the old token and does not spin when the coordinator refuses", async () => {
  const stop = new AbortController();
  let asked = 0;
  const rotating = rotateToken(runner(0, 8000), {
    logger: quietLogger,
    now: () => 7000,
    renew: () => {
      asked++;
      return Promise.resolve({ kind: "forbidden", message: "403 Forbidden" });
    },
  }, { signal: stop.signal });
  setTimeout(() => stop.abort(new Error("stopped")), 50);
  expect(await rotating.catch((error) => error.message)).toBe("stopped");
  expect(asked).toBe(1);
});
