/** A job that is prepared on an engine which keeps what it was asked. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { JobResponse } from "../../../core/job/response.ts";
import { jobSpec } from "../../../core/job/spec.ts";
import { DockerExecutorProvider } from "../../../executors/docker/mod.ts";
import { SILENT, testConfig, testIO } from "../../conformance/executor_suite.ts";
import { RecordingEngine } from "./recording_engine.ts";

const NEVER = new AbortController().signal;

export interface Given {
  readonly docker?: Readonly<Record<string, unknown>>;
  readonly flags?: Readonly<Record<string, boolean>>;
  readonly job?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly apiVersion?: string;
  /** The `Config` of every image. */
  readonly image?: Readonly<Record<string, unknown>>;
  /** Of every image, where it is not the engine's. */
  readonly architecture?: string;
  /** As `exec` has it. */
  readonly oneContainer?: boolean;
}

/** Prepares a job with a service, and resolves with what the engine was asked. */
export async function prepared(given: Given = {}): Promise<RecordingEngine> {
  const { docker, flags, job, env = {}, image = {}, architecture, apiVersion = "1.41" } = given;
  const { oneContainer = false } = given;
  const stateDir = mkdtempSync(join(tmpdir(), "create-requests-"));
  const engine = new RecordingEngine({ apiVersion, image, architecture });
  const provider = new DockerExecutorProvider({ env, executable: "/bin/sh", oneContainer });
  try {
    const config = testConfig({
      executor: "docker",
      ...(flags === undefined ? {} : { feature_flags: flags }),
      docker: {
        host: engine.host,
        image: "debian:12",
        pull_policy: "never",
        wait_for_services_timeout: -1,
        ...docker,
      },
    });
    const host = { logger: SILENT, systemId: "s_1", stateDir };
    const response = JobResponse.parse({
      id: 5,
      token: "t",
      job_info: { project_id: 7 },
      git_info: { repo_url: "https://gitlab.example.com/g/p.git", sha: "abc", ref: "main" },
      variables: [{ key: "TEAM", value: "a" }],
      services: [{ name: "redis:7" }],
      ...job,
    });
    const spec = jobSpec(response, { slot: { runner: 2, project: 3 }, tls: {} });
    const executor = await provider.acquire(config, { host, signal: NEVER });
    await executor?.prepare(spec, testIO(), { signal: NEVER });
    await executor?.[Symbol.asyncDispose]();
    return engine;
  } finally {
    await provider[Symbol.asyncDispose]();
    await engine[Symbol.asyncDispose]();
    rmSync(stateDir, { recursive: true, force: true });
  }
}
