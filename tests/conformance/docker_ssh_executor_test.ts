/** The docker-ssh executor against the executor contract, with an OpenSSH server in its image. */

import { afterAll, beforeAll, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DockerExecutorProvider } from "../../executors/docker/mod.ts";
import { DockerSshExecutorProvider } from "../../executors/docker_ssh/mod.ts";
import { SshExecutorProvider } from "../../executors/ssh/mod.ts";
import { bash } from "../../shells/bash.ts";
import {
  makeImage,
  missingForDocker,
  type TestEngine,
  useEngine,
} from "../executors/docker/dockerd.ts";
import { missingForSshd } from "../fixtures/sshd.ts";
import { type ExecutorBench, executorSuite, SILENT, testConfig } from "./executor_suite.ts";

const missing = missingForDocker() ?? missingForSshd();

if (missing === undefined) suite();
else test.skip(`docker-ssh executor: NOT RUN, ${missing}`, () => {});

function suite(): void {
  let engine: TestEngine;
  let image: string;
  beforeAll(async () => {
    engine = await useEngine("machine");
    image = await makeImage("sshd.sh", engine.host);
  }, 60_000);
  afterAll(async () => await engine?.[Symbol.asyncDispose]());

  const open = async (): Promise<ExecutorBench> => {
    const root = mkdtempSync(join(tmpdir(), "runner-docker-ssh-"));
    const docker = new DockerExecutorProvider({ env: {}, executable: "/bin/sh" });
    const ssh = new SshExecutorProvider({ env: {}, home: root, executable: undefined });
    return {
      provider: new DockerSshExecutorProvider({ docker, ssh }),
      config: testConfig({
        executor: "docker-ssh",
        docker: { host: engine.host, image, pull_policy: "never", disable_cache: true },
        ssh: { user: "root", password: "in-the-image" },
      }),
      host: { logger: SILENT, systemId: "s_conformance_ssh", stateDir: root },
      async [Symbol.asyncDispose]() {
        await ssh[Symbol.asyncDispose]();
        await docker[Symbol.asyncDispose]();
        rmSync(root, { recursive: true, force: true });
      },
    };
  };

  executorSuite("docker-ssh executor", { shell: bash, open });
}
