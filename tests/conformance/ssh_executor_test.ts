/** The ssh executor against the executor contract, with a real OpenSSH server. */

import { afterAll, beforeAll, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SshExecutorProvider } from "../../executors/ssh/mod.ts";
import { bash, sh } from "../../shells/bash.ts";
import { missingForSshd, startSshd, type TestSshd } from "../fixtures/sshd.ts";
import { type ExecutorBench, executorSuite, SILENT, testConfig } from "./executor_suite.ts";

const missing = missingForSshd();

if (missing === undefined) suites();
else test.skip(`ssh executor: NOT RUN, ${missing}`, () => {});

function suites(): void {
  let sshd: TestSshd;
  beforeAll(async () => {
    sshd = await startSshd();
  });
  afterAll(async () => {
    await sshd[Symbol.asyncDispose]();
  });
  const open = (shell: string): Promise<ExecutorBench> => {
    const root = mkdtempSync(join(tmpdir(), "runner-executor-"));
    const provider = new SshExecutorProvider({ env: {}, home: root, executable: undefined });
    return Promise.resolve({
      provider,
      config: testConfig({
        executor: "ssh",
        shell,
        ssh: {
          host: "127.0.0.1",
          port: String(sshd.port),
          user: "root",
          identity_file: sshd.keys.friend,
          known_hosts_file: sshd.knownHosts,
        },
      }),
      host: { logger: SILENT, systemId: "s_test", stateDir: join(root, "state") },
      async [Symbol.asyncDispose]() {
        await provider[Symbol.asyncDispose]();
        rmSync(root, { recursive: true, force: true });
      },
    });
  };
  executorSuite("ssh executor with bash", { shell: bash, open: () => open("bash") });
  executorSuite("ssh executor with sh", { shell: sh, open: () => open("sh") });
}
