/** The variables of one job, in GitLab's layers. */

import type { CiJob, CiVariables, CiWhen } from "../ci_config.ts";
import type { PipelineFacts, PipelineJobVariable, PipelineVariable } from "../pipeline.ts";
import type { JobInstance } from "../parallel.ts";

/** What every job of a pipeline has; made once, shared by all of them. */
export interface SharedVariables {
  readonly predefined: readonly PipelineJobVariable[];
  /** Of the predefined ones, those that rules and names can see. */
  readonly visible: readonly PipelineJobVariable[];
  /** Of the configuration, those of the workflow's rule behind the global ones. */
  readonly configured: readonly PipelineJobVariable[];
  /** The user's settings, then the command line. */
  readonly given: readonly PipelineJobVariable[];
}

/** Variables that GitLab only knows once pipeline and job are stored: rules and names cannot see them. */
const PERSISTED: ReadonlySet<string> = new Set([
  "CI_DEPLOY_PASSWORD",
  "CI_DEPLOY_USER",
  "CI_JOB_ID",
  "CI_JOB_STARTED_AT",
  "CI_JOB_TOKEN",
  "CI_JOB_URL",
  "CI_PIPELINE_ID",
  "CI_PIPELINE_URL",
  "CI_REGISTRY_PASSWORD",
  "CI_REGISTRY_USER",
  "CI_REPOSITORY_URL",
]);

export function sharedVariables(
  facts: PipelineFacts,
  global: CiVariables,
  workflow: { readonly name: string | undefined; readonly variables: CiVariables },
): SharedVariables {
  const all = Object.entries(facts.predefined).map(([key, value]) => predefined(key, value));
  const { name } = workflow;
  return {
    // A pipeline has its name once it is stored: rules see none.
    predefined: name === undefined
      ? all
      : all.map((one) => one.key === "CI_PIPELINE_NAME" ? predefined(one.key, name) : one),
    visible: all.filter(({ key }) => !PERSISTED.has(key)),
    configured: [...layer(global, "global"), ...layer(workflow.variables, "workflow")],
    given: [...given(facts.project, "project"), ...given(facts.pipeline, "pipeline")],
  };
}

/** What the workflow sees, before any job: its rules, and once one has matched, its name. */
export function workflowVariables(shared: SharedVariables): readonly PipelineJobVariable[] {
  return [
    ...shared.visible,
    ...lastOfEach(shared.configured),
    ...shared.given,
  ];
}

/**
 * A job's variables on top of the predefined ones, the last of one name wins. Layers of the
 * configuration replace each other key by key, as in GitLab: a job's `A: $A` does not see the global
 * `A`. `rules` are those of the rule that matched.
 */
export function jobVariables(
  job: CiJob,
  instance: JobInstance,
  shared: SharedVariables,
  { when, rules }: { readonly when: CiWhen | undefined; readonly rules: CiVariables },
): readonly PipelineJobVariable[] {
  return [
    ...aboutJob(job, instance, when === "manual"),
    ...lastOfEach([
      ...shared.configured.filter(inheritedBy(job)),
      ...layer(job.variables, "job"),
      ...Object.entries(instance.matrix).map(([key, value]) => variable(key, value, "matrix")),
      ...layer(rules, "rules"),
    ]),
    ...shared.given,
  ];
}

/** One variable of each name: no layer of the configuration sees what another one replaces. */
function lastOfEach(
  variables: readonly PipelineJobVariable[],
): Iterable<PipelineJobVariable> {
  return new Map(variables.map((one) => [one.key, one])).values();
}

export function predefined(key: string, value: string): PipelineJobVariable {
  return { ...variable(key, value, "predefined"), expand: false };
}

function aboutJob(job: CiJob, { name, node }: JobInstance, manual: boolean): PipelineJobVariable[] {
  const values: Record<string, string> = {
    CI_JOB_NAME: name,
    CI_JOB_NAME_SLUG: slug(name),
    CI_JOB_GROUP_NAME: groupName(name),
    CI_JOB_STAGE: job.stage,
    ...(manual ? { CI_JOB_MANUAL: "true" } : {}),
    ...(node === undefined ? {} : { CI_NODE_INDEX: String(node.index) }),
    CI_NODE_TOTAL: String(node?.total ?? 1),
  };
  return Object.entries(values).map(([key, value]) => predefined(key, value));
}

function inheritedBy({ inheritVariables }: CiJob): (variable: PipelineJobVariable) => boolean {
  if (typeof inheritVariables === "boolean") return () => inheritVariables;
  return ({ key }) => inheritVariables.includes(key);
}

function layer(
  variables: CiVariables,
  origin: PipelineJobVariable["origin"],
): PipelineJobVariable[] {
  return Object.entries(variables).map(([key, { value, expand }]) => ({
    ...variable(key, value, origin),
    expand,
  }));
}

function given(
  variables: Readonly<Record<string, PipelineVariable>>,
  origin: PipelineJobVariable["origin"],
): PipelineJobVariable[] {
  return Object.entries(variables).map(([key, one]) => ({ ...one, key, origin }));
}

function variable(
  key: string,
  value: string,
  origin: PipelineJobVariable["origin"],
): PipelineJobVariable {
  return { key, value, origin, expand: true, masked: false, file: false };
}

/** As GitLab makes it for use in host names: lower case, dashes, 63 characters. */
function slug(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, "-").slice(0, 63).replace(/^-+|-+$/g, "");
}

/** The name without what numbers or lists of values at its end say: `test 1/3` and `test: [a]` → `test`. */
function groupName(name: string): string {
  return name.replace(/(?:[\s:]+(?:\[.*\]|\d+[\s:/\\]+\d+)){1,3}\s*$/, "").trim();
}
