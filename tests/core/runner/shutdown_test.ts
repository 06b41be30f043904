import { expect, test } from "bun:test";
import type { ExecutorProvider } from "../../../core/executor.ts";
import { Registry } from "../../../core/registry.ts";
import { type ProcessSignals, Shutdown } from "../../../core/runner/shutdown.ts";
import { quietLogger } from "../../fakes/quiet_logger.ts";
import { namedExecutor } from "../cli/fixture.ts";

function harness(timeoutSeconds = 30, executors: readonly ExecutorProvider[] = []) {
  const listeners = new Map<string, () => void>();
  const signals: ProcessSignals = {
    on(name, listener) {
      listeners.set(name, listener);
      return () => listeners.delete(name);
    },
  };
  const seen: string[] = [];
  const drained = Promise.withResolvers<void>();
  const shutdown = new Shutdown(signals, {
    logger: quietLogger,
    engine: {
      runningJobs: 1,
      drain: () => {
        seen.push("drain");
        return drained.promise;
      },
      abortJobs: () => seen.push("abort"),
      close: () => seen.push("close"),
    },
    executors: new Registry("executor", executors),
    timeoutSeconds: () => timeoutSeconds,
    onEnd: (code) => seen.push(`end ${code}`),
  });
  return { shutdown, seen, listeners, drained, send: (name: string) => listeners.get(name)?.() };
}

test("Shutdown waits for the jobs, and a second demand of the same kind changes nothing", async () => {
  const { shutdown, seen, send, drained } = harness();
  send("SIGQUIT");
  send("SIGQUIT");
  expect(shutdown.state).toBe("graceful shutdown");
  expect(seen).toEqual(["drain"]);
  drained.resolve();
  await Bun.sleep(1);
  expect(seen).toEqual(["drain", "close", "end 0"]);
});

test("Shutdown goes from graceful to forced, and never back", () => {
  const { shutdown, seen, send } = harness();
  send("SIGQUIT");
  send("SIGTERM");
  send("SIGQUIT");
  expect(shutdown.state).toBe("forceful shutdown");
  expect(seen).toEqual(["drain", "abort"]);
  shutdown[Symbol.dispose]();
});

test("Shutdown takes signals of one moment as one demand and a later one as the last", async () => {
  const { shutdown, seen, send } = harness();
  send("SIGINT");
  send("SIGTERM");
  expect(seen).toEqual(["abort", "drain"]);
  await Bun.sleep(120);
  send("SIGTERM");
  expect(seen).toEqual(["abort", "drain", "end 1"]);
  shutdown[Symbol.dispose]();
});

test("Shutdown ends when shutdown_timeout is over, whatever the jobs do", async () => {
  const { shutdown, seen, send } = harness(0.05);
  send("SIGTERM");
  await Bun.sleep(100);
  expect(seen).toEqual(["abort", "drain", "close", "end 1"]);
  shutdown[Symbol.dispose]();
});

test("Shutdown ends also when an executor cannot be shut down, and the others are", async () => {
  const disposed: string[] = [];
  const broken = {
    ...namedExecutor("broken"),
    [Symbol.asyncDispose]: () => Promise.reject(new Error("the engine hangs")),
  };
  const sound = {
    ...namedExecutor("sound"),
    [Symbol.asyncDispose]: () => Promise.resolve(void disposed.push("sound")),
  };
  const { seen, send, drained } = harness(30, [broken, sound]);
  send("SIGQUIT");
  drained.resolve();
  await Bun.sleep(1);
  expect(seen).toEqual(["drain", "close", "end 0"]);
  expect(disposed).toEqual(["sound"]);
});

test("Shutdown stops listening when disposed", () => {
  const { shutdown, listeners } = harness();
  shutdown[Symbol.dispose]();
  expect(listeners.size).toBe(0);
});
