/** Executors in processes of their own against the executor contract, over a real pipe. */

import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PluginExecutorProvider, PluginMarks } from "../../executors/plugin/mod.ts";
import type { PluginCommand } from "../../executors/plugin/provider.ts";
import { bash } from "../../shells/bash.ts";
import { type ExecutorBench, executorSuite, SILENT, testConfig } from "./executor_suite.ts";

const ROOT = join(import.meta.dir, "../..");

/** The least that a driver written for GitLab Runner does. */
const DRIVER = `#!/bin/bash
bash "$1"
code=$?
[ "$code" = 0 ] && exit 0
echo "$code" > "$BUILD_EXIT_CODE_FILE"
exit "$BUILD_FAILURE_EXIT_CODE"
`;

function open(
  name: string,
  command: (root: string) => PluginCommand,
  values: (root: string) => Record<string, unknown> = () => ({}),
): Promise<ExecutorBench> {
  const root = mkdtempSync(join(tmpdir(), "runner-plugin-"));
  for (const name of ["home", "tmp"]) mkdirSync(join(root, name));
  const provider = new PluginExecutorProvider({
    name,
    env: { PATH: process.env["PATH"], HOME: join(root, "home"), TMPDIR: join(root, "tmp") },
    executable: process.execPath,
    marks: new PluginMarks(),
    features: {},
    command: () => command(root),
  });
  return Promise.resolve({
    provider,
    config: testConfig({ executor: name, shell: "bash", ...values(root) }),
    host: { logger: SILENT, systemId: "s_test", stateDir: join(root, "state") },
    [Symbol.asyncDispose]: async () => {
      await provider[Symbol.asyncDispose]();
      rmSync(root, { recursive: true, force: true });
    },
  });
}

executorSuite("shell executor served by a plugin", {
  shell: bash,
  open: () =>
    open("served-shell", () => ({
      argv: [process.execPath, join(ROOT, "tests/fixtures/plugins/shell_plugin.ts")],
      environment: [],
      config: {},
    })),
});

executorSuite("custom executor", {
  shell: bash,
  open: () =>
    open("custom", (root) => {
      const driver = join(root, "driver");
      writeFileSync(driver, DRIVER);
      chmodSync(driver, 0o755);
      return {
        argv: [process.execPath, join(ROOT, "main.ts"), "plugin", "custom"],
        environment: [],
        config: { run_exec: driver, graceful_kill_timeout: 10 },
      };
    }, (root) => ({ builds_dir: join(root, "builds"), cache_dir: join(root, "cache") })),
});
