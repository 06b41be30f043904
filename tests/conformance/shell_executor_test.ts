/** The shell executor against the executor contract, as the user of this process and as another. */

import { test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ShellExecutorProvider } from "../../executors/shell/mod.ts";
import { bash, sh } from "../../shells/bash.ts";
import { type ExecutorBench, executorSuite, SILENT, testConfig } from "./executor_suite.ts";

async function open(shell: string, user?: string): Promise<ExecutorBench> {
  const root = mkdtempSync(join(tmpdir(), "runner-executor-"));
  chmodSync(root, 0o755);
  mkdirSync(join(root, "home"));
  const provider = new ShellExecutorProvider({
    env: { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: join(root, "home") },
    workingDirectory: root,
    user,
  });
  return {
    provider,
    config: testConfig({ executor: "shell", shell }),
    host: { logger: SILENT, systemId: "s_test", stateDir: join(root, "state") },
    [Symbol.asyncDispose]: async () => rmSync(root, { recursive: true, force: true }),
  };
}

executorSuite("shell executor with bash", { shell: bash, open: () => open("bash") });
executorSuite("shell executor with sh", { shell: sh, open: () => open("sh") });

if (process.getuid?.() === 0 && Bun.which("setpriv") !== null) {
  executorSuite("shell executor as another user", {
    shell: bash,
    open: () => open("bash", "nobody"),
  });
} else {
  test.skip("shell executor as another user: NOT RUN, needs root and setpriv", () => {});
}
