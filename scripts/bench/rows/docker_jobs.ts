/** Jobs in containers: what the runner adds to the engine's own starts. */

import { existsSync } from "node:fs";
import {
  bridgeAddress,
  makeImage,
  missingForDocker,
} from "../../../tests/executors/docker/dockerd.ts";
import type { Benchmark, MeasureOptions } from "../benchmark.ts";
import { Lab } from "../lab.ts";
import { withRepository } from "../repository.ts";
import { oneByOne } from "./short_jobs.ts";

const SOCKET = "/var/run/docker.sock";

/** Of the machine, and not one of its own: containers have to reach the coordinator. */
function missing(): string | undefined {
  return missingForDocker() ?? (existsSync(SOCKET) ? undefined : "no Docker Engine runs");
}

export const dockerJob: Benchmark = {
  name: "docker",
  runs: 11,
  quantities: [{ what: "docker job `true`, handed out → final update", unit: "ms", goal: 500 }],
  missing,
  async *measure(options) {
    await using lab = await dockerLab(options);
    yield* oneByOne(lab, { script: "true", variables: { GIT_STRATEGY: "none" } }, options.runs);
  },
};

export const dockerWholeJob: Benchmark = {
  name: "docker-git",
  runs: 11,
  quantities: [{ what: "the same with git, cache and artifacts", unit: "ms", goal: 800 }],
  missing,
  async *measure(options) {
    await using lab = await dockerLab(options);
    const job = {
      ...await withRepository(lab),
      script: "mkdir -p made; date > made/file",
      cache: [{ key: "bench", paths: ["made/"], policy: "pull-push", when: "on_success" }],
      artifacts: [{ paths: ["made/"], when: "on_success" }],
    };
    yield* oneByOne(lab, job, options.runs);
  },
};

async function dockerLab({ executable, scratch }: MeasureOptions): Promise<Lab> {
  const host = `unix://${SOCKET}`;
  const image = await makeImage("git.sh", host);
  const lines = [
    `host = "${host}"`,
    `image = "${image}"`,
    `helper_image = "${image}"`,
    'pull_policy = "never"',
    'volumes = ["/cache"]',
  ];
  const docker = { lines, hostname: bridgeAddress() };
  return await Lab.open({ executable, scratch, docker });
}
