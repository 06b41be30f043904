/** The docker executor against the executor contract, on a real engine and on podman. */

import { afterAll, beforeAll, describe, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DockerExecutorProvider } from "../../executors/docker/mod.ts";
import { sh } from "../../shells/bash.ts";
import {
  makeImage,
  missingForDocker,
  type TestEngine,
  useEngine,
} from "../executors/docker/dockerd.ts";
import { missingForPodman, usePodman } from "../executors/docker/podman.ts";
import { type ExecutorBench, executorSuite, SILENT, testConfig } from "./executor_suite.ts";

const ENGINES = [
  { name: "docker executor", missing: missingForDocker(), use: useEngine },
  { name: "docker executor on podman", missing: missingForPodman(), use: usePodman },
];

for (const { name, missing, use } of ENGINES) {
  if (missing === undefined) describe(name, () => suite(name, () => use()));
  else test.skip(`${name}: NOT RUN, ${missing}`, () => {});
}

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
