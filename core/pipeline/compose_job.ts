/** Makes a job of a pipeline out of a job of the configuration and what was decided about it. */

import type { CiCache, CiEnvironment, CiImage } from "./ci_config.ts";
import type { Decision } from "./decide.ts";
import type { IndexedJob } from "./job_index.ts";
import type { JobLinks } from "./link_jobs.ts";
import type { PipelineJob, PipelineJobVariable } from "./pipeline.ts";
import { environmentSlug, environmentTier } from "./variables/environment.ts";
import { predefined } from "./variables/job_variables.ts";
import { expandForGitLab, lastOf } from "./variables/nested.ts";
import { expandName, expandRunnerText, mayRefer } from "./variables/references.ts";

export interface IncludedJob {
  readonly indexed: IndexedJob;
  readonly decision: Extract<Decision, { kind: "in" }>;
  readonly variables: readonly PipelineJobVariable[];
  /** Those of them that GitLab itself can use. */
  readonly visible: readonly PipelineJobVariable[];
  /** As the runner gets them. */
  readonly expanded: readonly PipelineJobVariable[];
}

export function composeJob(included: IncludedJob, links: JobLinks): PipelineJob {
  const { indexed: { job, instance }, decision, visible } = included;
  const name = gitlabNames(visible);
  const environment = job.environment === undefined
    ? undefined
    : composeEnvironment(job.environment, name, included.expanded);
  const added = environment === undefined ? [] : environmentVariables(environment);
  const text = runnerTexts([...included.expanded, ...added]);
  return {
    name: instance.name,
    baseName: job.name,
    config: job,
    stage: job.stage,
    when: decision.when,
    startInMs: decision.startInMs,
    allowFailure: decision.allowFailure,
    variables: [...included.variables, ...added],
    image: job.image === undefined ? undefined : composeImage(job.image, text),
    services: job.services.map((service) => composeImage(service, text)),
    cache: job.cache.map((cache) => composeCache(cache, text)),
    environment,
    resourceGroup: job.resourceGroup === undefined ? undefined : name(job.resourceGroup),
    interruptible: decision.interruptible,
    ...links,
    artifactsElsewhere: (decision.needs ?? []).flatMap(({ elsewhere, artifacts, job: needed }) =>
      elsewhere?.project === undefined || elsewhere.ref === undefined || !artifacts
        ? []
        : [{ project: name(elsewhere.project), ref: name(elsewhere.ref), job: name(needed) }]
    ),
    artifactsOfPipelines: (decision.needs ?? []).flatMap(({ elsewhere, artifacts, job: needed }) =>
      elsewhere?.pipeline === undefined || needed === "" || !artifacts
        ? []
        : [{ pipeline: name(elsewhere.pipeline), job: name(needed) }]
    ),
    node: instance.node,
  };
}

/** Expands texts that GitLab itself reads: what is not known is empty. */
function gitlabNames(visible: readonly PipelineJobVariable[]): (text: string) => string {
  let valueOf: ((key: string) => string | undefined) | undefined;
  return (text) =>
    expandName(text, (key) => {
      valueOf ??= expandForGitLab(visible);
      return valueOf(key) ?? "";
    });
}

/**
 * Expands texts that the runner will read: what only it knows, a value of another job's dotenv report
 * among it, stays for it.
 */
function runnerTexts(expanded: readonly PipelineJobVariable[]): (text: string) => string {
  return (text) =>
    expandRunnerText(text, (key) => {
      const variable = lastOf(expanded, key);
      if (variable === undefined || variable.file) return undefined;
      return variable.expand || !mayRefer(variable.value) ? variable.value : undefined;
    });
}

/** The URL may use the environment's own variables, and what the job's dotenv report will bring. */
function composeEnvironment(
  environment: CiEnvironment,
  name: (text: string) => string,
  expandedVariables: readonly PipelineJobVariable[],
): CiEnvironment {
  const expanded = name(environment.name);
  const named: CiEnvironment = {
    ...environment,
    url: undefined,
    name: expanded,
    deploymentTier: environmentTier(
      environment.deploymentTier === undefined ? undefined : name(environment.deploymentTier),
      expanded,
    ),
  };
  if (environment.url === undefined) return named;
  const text = runnerTexts([...expandedVariables, ...environmentVariables(named)]);
  return { ...named, url: text(environment.url) };
}

function environmentVariables(
  { name, url, action, deploymentTier = "other" }: CiEnvironment,
): readonly PipelineJobVariable[] {
  return [
    predefined("CI_ENVIRONMENT_NAME", name),
    predefined("CI_ENVIRONMENT_SLUG", environmentSlug(name)),
    predefined("CI_ENVIRONMENT_ACTION", action),
    predefined("CI_ENVIRONMENT_TIER", deploymentTier),
    ...(url === undefined ? [] : [{ ...predefined("CI_ENVIRONMENT_URL", url), expand: true }]),
  ];
}

function composeImage(image: CiImage, text: (text: string) => string): CiImage {
  return { ...image, name: text(image.name), alias: image.alias.map(text) };
}

function composeCache(cache: CiCache, text: (text: string) => string): CiCache {
  const { key } = cache;
  return {
    ...cache,
    key: key.kind === "text"
      ? { kind: "text", text: text(key.text) }
      : { ...key, prefix: key.prefix === undefined ? undefined : text(key.prefix) },
    fallbackKeys: cache.fallbackKeys.map(text),
    paths: cache.paths.map(text),
    policy: text(cache.policy),
  };
}
