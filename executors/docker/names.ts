/** Names and labels of what a job has in the engine. Pure. */

import { createHash } from "node:crypto";
import type { RunnerConfig } from "../../core/config/schema.ts";
import type { JobSpec } from "../../core/job/spec.ts";
import { shortToken } from "../../core/util/token.ts";
import { formatDuration } from "../../core/util/units.ts";
import type { Labels } from "./engine/mod.ts";
import type { ContainerStart } from "./own_container.ts";

/** GitLab Runner's own prefix, by which operators' scripts find its containers. */
export const LABEL_PREFIX = "com.gitlab.gitlab-runner";

/** What a container or a volume is for. */
export type ObjectType =
  | "build"
  | "predefined"
  | "service"
  | "cache"
  | "network"
  | "helper-volume"
  | "helper-image";

/** Which process made an object, so that another one can tell whether it is still alive. */
export interface ManagerIdentity {
  readonly systemId: string;
  /** Distinguishes this process from earlier ones with the same state directory. */
  readonly instance: string;
  /** Whose lock file is held as long as the process lives. */
  readonly stateDir: string;
  /** State directories of other hosts and containers cannot be looked at. */
  readonly hostname: string;
  /** Of the engine where the objects are, when the manager runs in one. */
  readonly container?: ContainerStart | undefined;
}

/** Labels by which the reaper decides. */
export const REAPER_LABELS = {
  managed: `${LABEL_PREFIX}.managed`,
  systemId: `${LABEL_PREFIX}.runner.system_id`,
  /** One job of one process: what is labelled so goes when the job has ended. */
  jobKey: `${LABEL_PREFIX}.job.key`,
  instance: `${LABEL_PREFIX}.manager.instance`,
  stateDir: `${LABEL_PREFIX}.manager.state_dir`,
  hostname: `${LABEL_PREFIX}.manager.hostname`,
  container: `${LABEL_PREFIX}.manager.container`,
  containerStartedAt: `${LABEL_PREFIX}.manager.container_started_at`,
} as const;

export function managerLabels(manager: ManagerIdentity): Labels {
  return {
    [REAPER_LABELS.managed]: "true",
    [REAPER_LABELS.systemId]: manager.systemId,
    [REAPER_LABELS.instance]: manager.instance,
    [REAPER_LABELS.stateDir]: manager.stateDir,
    [REAPER_LABELS.hostname]: manager.hostname,
    ...(manager.container === undefined ? {} : {
      [REAPER_LABELS.container]: manager.container.id,
      [REAPER_LABELS.containerStartedAt]: manager.container.startedAt,
    }),
  };
}

/** The container of the manager that made an object; undefined: it was in none. */
export function managerContainer(labels: Labels): ContainerStart | undefined {
  const { [REAPER_LABELS.container]: id, [REAPER_LABELS.containerStartedAt]: startedAt } = labels;
  return id === undefined || startedAt === undefined ? undefined : { id, startedAt };
}

/** Labels of everything that one job has; `key` is unique to this run of it. */
export function jobLabels(
  spec: JobSpec,
  runner: RunnerConfig,
  options: { manager: ManagerIdentity; key: string; expand: (text: string) => string },
): Labels {
  const prefixed = (entries: Readonly<Record<string, string>>) =>
    Object.fromEntries(
      Object.entries(entries).map(([name, value]) => [`${LABEL_PREFIX}.${name}`, value]),
    );
  const { expand } = options;
  return {
    ...containerLabels(runner, expand),
    ...prefixed({
      "job.id": String(spec.id),
      "job.url": expand("$CI_JOB_URL"),
      "job.sha": spec.git.sha,
      "job.before_sha": spec.git.before_sha,
      "job.ref": spec.git.ref,
      "job.timeout": formatDuration(spec.timeoutMs),
      "project.id": String(spec.projectId),
      "project.runner_id": String(spec.slot.project),
      "pipeline.id": expand("$CI_PIPELINE_ID"),
      "runner.id": shortToken(runner.token.reveal()),
      "runner.local_id": String(spec.slot.runner),
    }),
    ...managerLabels(options.manager),
    [REAPER_LABELS.jobKey]: options.key,
  };
}

/** `container_labels`, which may name the job's variables. */
export function containerLabels(runner: RunnerConfig, expand: (text: string) => string): Labels {
  const labels = Object.entries(runner.docker?.container_labels ?? {});
  return Object.fromEntries(labels.map(([name, value]) => [name, expand(value)]));
}

export function typeLabel(type: ObjectType): Labels {
  return { [`${LABEL_PREFIX}.type`]: type };
}

/** An image as GitLab Runner speaks of a service: without the registry's port. */
export interface ServiceName {
  /** `registry.example.com/a/mysql`. */
  readonly service: string;
  /** The tag; without one `@sha256:…`, or `latest`. */
  readonly version: string;
}

export function serviceName(image: string): ServiceName {
  const [tagged = "", digest] = image.split("@", 2);
  const name = withoutTag(tagged);
  const tag = tagged.slice(name.length + 1);
  const service = name.replace(/:\d+(?=\/)/, "");
  return { service, version: tag || (digest === undefined ? "latest" : `@${digest}`) };
}

/** `custom`: of `container_labels`, which services have under GitLab Runner's prefix, too. */
export function serviceLabels(image: string, custom: Labels): Labels {
  const { service, version } = serviceName(image);
  const prefixed = Object.entries(custom).map((
    [name, value],
  ) => [`${LABEL_PREFIX}.${name}`, value]);
  return {
    ...typeLabel("service"),
    [`${LABEL_PREFIX}.service`]: service,
    [`${LABEL_PREFIX}.service.version`]: version,
    ...Object.fromEntries(prefixed),
  };
}

/** `runner-<short token>-project-<id>-concurrent-<slot>`: who a job is, in names and host names. */
export function projectName(spec: JobSpec, runner: RunnerConfig): string {
  const short = shortToken(runner.token.reveal());
  return hostName(`runner-${short}-project-${spec.projectId}-concurrent-${spec.slot.project}`);
}

/** `runner-<short token>-<project>-<slot>-<job>`: the network of one job. */
export function networkName(spec: JobSpec, runner: RunnerConfig): string {
  const short = shortToken(runner.token.reveal());
  return hostName(`runner-${short}-${spec.projectId}-${spec.slot.project}-${spec.id}`);
}

/** The longest label of a host's name. */
const LONGEST_HOST_NAME = 63;

/** As GitLab Runner: a token's other characters are left out. */
function hostName(text: string): string {
  return text.toLowerCase().replaceAll(/[^-a-z0-9]/g, "").slice(0, LONGEST_HOST_NAME);
}

/**
 * Name of what lasts from one job of a project to the next in the same slot: GitLab Runner's own, so
 * that its caches are found again.
 */
export function lastingName(
  options: { spec: JobSpec; runner: RunnerConfig; systemId: string },
): string {
  const { spec, runner, systemId } = options;
  const owner = [runner.token.reveal(), systemId, spec.projectId, spec.slot.project].join("-");
  return `runner-${createHash("sha256").update(owner).digest("hex").slice(0, 32)}`;
}

/** A registry's port is no tag. */
function withoutTag(name: string): string {
  const colon = name.lastIndexOf(":");
  return colon > name.lastIndexOf("/") ? name.slice(0, colon) : name;
}
