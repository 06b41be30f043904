import { expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ExecutorNote } from "../../../core/executor.ts";
import { ShellExecutorProvider } from "../../../executors/shell/mod.ts";
import { SILENT, testConfig, testIO, testSpec } from "../../conformance/executor_suite.ts";

const NEVER = new AbortController().signal;

/** One manager's job, which asks for the checkout at `path`. */
async function jobAt(path: string, provider: ShellExecutorProvider, stateDir: string) {
  const executor = await provider.acquire(testConfig({ executor: "shell" }), {
    host: { logger: SILENT, systemId: "s_test", stateDir },
    signal: NEVER,
  });
  const job = { executor, io: testIO(), note: {} as ExecutorNote, has: false };
  const io = { ...job.io, remember: (note: ExecutorNote) => job.note = note };
  await executor.prepare(testSpec(), io, { signal: NEVER });
  const leased = executor.leaseCheckout({ path, custom: true }, io, { signal: NEVER })
    .then(() => job.has = true);
  return Object.assign(job, { leased });
}

test("a checkout that a job has placed is left alone by other jobs, also of other managers", async () => {
  const root = mkdtempSync(join(tmpdir(), "runner-checkout-lease-"));
  const provider = () =>
    new ShellExecutorProvider({ env: { PATH: process.env["PATH"] }, workingDirectory: root });
  try {
    const path = join(root, "builds/place");
    const one = provider();
    const first = await jobAt(path, one, root);
    await first.leased;
    const others = [await jobAt(path, one, root), await jobAt(path, provider(), root)];
    const lock = String(first.note["checkout_lease"]);
    expect(existsSync(lock)).toBe(true);
    await Bun.sleep(300);
    expect(others.map(({ has }) => has)).toEqual([false, false]);

    await first.executor[Symbol.asyncDispose]();
    const next = await Promise.race(others.map(({ leased }, index) => leased.then(() => index)));
    expect(others.filter(({ has }) => has)).toHaveLength(1);
    await others[next]?.executor[Symbol.asyncDispose]();
    await Promise.all(others.map(({ leased }) => leased));
    for (const { executor } of others) await executor[Symbol.asyncDispose]();

    expect(first.io.lines.slice(1)).toEqual([]);
    for (const { io } of others) {
      expect(io.lines.slice(1)).toEqual([`Waiting for another job to leave "${path}"...`]);
    }
    expect(existsSync(lock)).toBe(false);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
