/** The contract's values in the protocol's shapes, and back. */

import type { ExitStatus, PreparedEnvironment, StageCommand } from "../executor.ts";
import { JobResponse } from "../job/response.ts";
import type { JobResult } from "../job/result.ts";
import { type JobSpec, jobSpec } from "../job/spec.ts";
import type {
  Environment,
  ExitResult,
  FinishParams,
  PrepareParams,
  RunParams,
} from "./protocol.ts";
import type { z } from "zod";

type WithoutHandle<T> = Omit<T, "handle">;

/** The job as GitLab describes it, as far as a spec keeps it. */
export function encodeJob(spec: JobSpec): WithoutHandle<PrepareParams> {
  const { caChain, certificate, key } = spec.tls;
  return {
    job: jobPayload(spec),
    slot: spec.slot,
    tls: {
      ...(caChain === undefined ? {} : { ca_chain: caChain }),
      ...(certificate === undefined ? {} : { certificate }),
      ...(key === undefined ? {} : { key }),
    },
  };
}

/** A spec in the form in which GitLab sends jobs to runners. */
function jobPayload(spec: JobSpec): Readonly<Record<string, unknown>> {
  return {
    id: spec.id,
    token: spec.token.reveal(),
    allow_git_fetch: spec.allowGitFetch,
    job_info: spec.info,
    git_info: spec.git,
    runner_info: { timeout: spec.timeoutMs / 1000 },
    variables: spec.variables,
    steps: spec.steps,
    image: spec.image ?? { name: "" },
    services: spec.services,
    artifacts: spec.artifacts,
    cache: spec.cache,
    credentials: spec.credentials,
    dependencies: spec.dependencies,
    features: spec.features,
    hooks: spec.hooks,
    ...(spec.policy ? { policy_options: spec.policy } : {}),
  };
}

/** Throws a ZodError for a payload that is none. */
export function decodeJob({ job, slot, tls }: WithoutHandle<PrepareParams>): JobSpec {
  return jobSpec(JobResponse.parse(job), {
    slot: { runner: slot.runner, project: slot.project },
    tls: {
      ...(tls.ca_chain === undefined ? {} : { caChain: tls.ca_chain }),
      ...(tls.certificate === undefined ? {} : { certificate: tls.certificate }),
      ...(tls.key === undefined ? {} : { key: tls.key }),
    },
  });
}

export function encodeEnvironment(environment: PreparedEnvironment): Environment {
  return {
    os: environment.os,
    arch: environment.arch ?? null,
    hostname: environment.hostname ?? null,
    via: environment.via ?? null,
    builds_dir: environment.buildsDir,
    cache_dir: environment.cacheDir,
    shared_builds_dir: environment.sharedBuildsDir,
    project_slot: environment.projectSlot,
    shell: environment.shell,
    login: environment.login,
    exit_phrase: environment.exitPhrase,
    helper_command: environment.helperCommand === undefined ? null : [...environment.helperCommand],
    variables: { ...environment.variables },
  };
}

export function decodeEnvironment(wire: Environment): PreparedEnvironment {
  return {
    os: wire.os,
    arch: wire.arch ?? undefined,
    hostname: wire.hostname ?? undefined,
    via: wire.via ?? undefined,
    buildsDir: wire.builds_dir,
    cacheDir: wire.cache_dir,
    sharedBuildsDir: wire.shared_builds_dir,
    projectSlot: wire.project_slot,
    shell: wire.shell,
    login: wire.login,
    exitPhrase: wire.exit_phrase,
    helperCommand: wire.helper_command ?? undefined,
    variables: wire.variables,
  };
}

export function encodeCommand(command: StageCommand): WithoutHandle<RunParams> {
  const { stage, script, invocation, target } = command;
  return {
    stage,
    script,
    invocation: { argv: [...invocation.argv], script: invocation.script },
    target,
  };
}

export function decodeCommand(wire: WithoutHandle<RunParams>): StageCommand {
  const { stage, script, invocation, target } = wire;
  return {
    stage,
    script,
    invocation: { argv: invocation.argv, script: invocation.script },
    target,
  };
}

export function encodeExit(status: ExitStatus): ExitResult {
  const { usage, ...end } = status;
  return {
    ...end,
    ...(usage === undefined
      ? {}
      : { usage: { cpu_ms: usage.cpuMs, peak_memory: { ...usage.peakMemory } } }),
  };
}

export function decodeExit(wire: ExitResult): ExitStatus {
  const usage = wire.usage === undefined
    ? {}
    : { usage: { cpuMs: wire.usage.cpu_ms, peakMemory: wire.usage.peak_memory } };
  switch (wire.kind) {
    case "exited":
      return { kind: "exited", code: wire.code, ...usage };
    case "signalled":
      return { kind: "signalled", signal: wire.signal, ...usage };
    case "oom-killed":
      return { kind: "oom-killed", ...usage };
  }
}

type WireResult = z.infer<typeof FinishParams>["result"];

export function encodeResult(result: JobResult): WireResult {
  if (result.kind !== "failed") return { ...result };
  const { exitCode, ...rest } = result;
  return { ...rest, ...(exitCode === undefined ? {} : { exit_code: exitCode }) };
}

/** A reason that we do not know is a plain script failure: nothing depends on it any more. */
export function decodeResult(wire: WireResult): JobResult {
  const message = wire.message ?? "";
  switch (wire.kind) {
    case "success":
      return { kind: "success" };
    case "failed":
      return {
        kind: "failed",
        reason: wire.reason === "script_failure" ? "script_failure" : "runner_system_failure",
        message,
        ...(wire.exit_code === undefined ? {} : { exitCode: wire.exit_code }),
      };
    case "canceled":
    case "aborted":
      return { kind: wire.kind, message };
  }
}
