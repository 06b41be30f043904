/** The docker executor against the executor contract, on a real engine and on podman. */

import { afterAll, beforeAll } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DockerExecutorProvider } from "../../executors/docker/mod.ts";
import { sh } from "../../shells/bash.ts";
import { makeImage, type TestEngine } from "../executors/docker/dockerd.ts";
import { onEachEngine } from "../executors/docker/engines.ts";
import { type ExecutorBench, executorSuite, SILENT, testConfig } from "./executor_suite.ts";

onEachEngine("docker executor", suite);

function suite(name: string, use: () => Promise<TestEngine>): void {
  let engine: TestEngine;
  let image: string;
  beforeAll(async () => {
    engine = await use();
    image = await makeImage("busybox.sh", engine.host);
  }, 60_000);
  afterAll(async () => await engine?.[Symbol.asyncDispose]());

  const open = async (docker: Readonly<Record<string, unknown>>): Promise<ExecutorBench> => {
    const root = mkdtempSync(join(tmpdir(), "runner-docker-"));
    // Every provider is a manager of its own, as two processes would be.
    const provider = new DockerExecutorProvider({ env: {}, executable: "/bin/sh" });
    return {
      provider,
      config: testConfig({
        executor: "docker",
        docker: {
          host: engine.host,
          image,
          pull_policy: "never",
          disable_cache: true,
          network_mode: "none",
          ...docker,
        },
      }),
      host: { logger: SILENT, systemId: "s_conformance", stateDir: root },
      async [Symbol.asyncDispose]() {
        await provider[Symbol.asyncDispose]();
        rmSync(root, { recursive: true, force: true });
      },
    };
  };

  executorSuite(name, { shell: sh, open: () => open({}) });
  executorSuite(`${name} as another user`, {
    shell: sh,
    open: () => open({ user: "1234:1234" }),
  });
}
