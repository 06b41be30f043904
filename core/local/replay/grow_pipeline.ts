/** From the pipeline of a CI file to the child pipeline that a job was in. */

import { join } from "node:path";
import { ConfigurationError } from "../../errors.ts";
import type { CiTrigger } from "../../pipeline/ci_config.ts";
import type { Pipeline, PipelineFacts, PipelineVariable } from "../../pipeline/pipeline.ts";
import { planChild } from "../child_pipeline.ts";
import { composeFetching } from "../compose_fetching.ts";
import type { LocalPlan } from "../local_plan.ts";
import { replayArtifacts } from "./replay_artifacts.ts";
import type { ServerPipeline } from "./server_answers.ts";
import type { FoundJob, ServerFacts } from "./server_facts.ts";
import type { Ancestor } from "./server_lineage.ts";
import { serverPredefined } from "./server_predefined.ts";
import { readable, type ServerVariables } from "./server_variables.ts";

export interface GrowthOptions {
  readonly found: FoundJob;
  readonly server: ServerFacts;
  /** Of the job's pipeline. */
  readonly variables: ServerVariables;
  /** The pipelines above it, the outermost first. */
  readonly ancestors: readonly Ancestor[];
  /** The user's settings, and the command line: they win over the server's. */
  readonly own: {
    readonly settings: Readonly<Record<string, PipelineVariable>>;
    readonly pipeline: Readonly<Record<string, PipelineVariable>>;
  };
  /** Of this run, for what is fetched on the way. */
  readonly directory: string;
  readonly signal: AbortSignal;
}

/** What the server tells wins over what git and the address tell. */
export function told(
  facts: PipelineFacts,
  { found: { address, job }, server }: GrowthOptions,
  pipeline: ServerPipeline,
): PipelineFacts {
  const predefined = serverPredefined(address, job, { ...server, pipeline });
  return { ...facts, predefined: { ...facts.predefined, ...predefined } };
}

export interface Grown {
  readonly facts: PipelineFacts;
  readonly pipeline: Pipeline;
}

/** The job's pipeline: the one of the CI file, or the child that its trigger jobs lead to. */
export async function growPipeline(
  plan: LocalPlan,
  facts: PipelineFacts,
  options: GrowthOptions,
): Promise<Grown> {
  const { ancestors, server, signal, directory } = options;
  const pipeline = await composeFetching(plan.config, facts, { source: plan.files, signal });
  let grown: Grown = { facts, pipeline };
  for (const [at, ancestor] of ancestors.entries()) {
    const child = ancestors[at + 1]?.pipeline ?? server.pipeline;
    const job = grown.pipeline.jobs.find(({ name }) => name === ancestor.trigger);
    const trigger = job?.config.trigger;
    if (job === undefined || trigger === undefined) {
      throw new ConfigurationError(
        `Pipeline ${child.id} was started by "${ancestor.trigger}", and no such trigger job is in ` +
          `pipeline ${ancestor.pipeline.id} as it is read here: name the CI file with --file`,
      );
    }
    const archives = await archivesOf(trigger, ancestor, options);
    const isLast = at === ancestors.length - 1;
    grown = await planChild({
      job,
      trigger,
      plan,
      parent: grown.facts,
      id: child.id,
      jobId: ancestor.triggerId,
      told: (derived) =>
        told(
          {
            ...derived,
            pipeline: {
              ...derived.pipeline,
              ...(isLast ? readable(options.variables) : {}),
              ...options.own.pipeline,
            },
          },
          options,
          child,
        ),
      archiveOf: (name) => archives.get(name),
      directory,
      signal,
    });
  }
  return grown;
}

/** By the jobs that made them: archives with the CI files of a child pipeline. */
async function archivesOf(
  { include = [] }: CiTrigger,
  { pipeline }: Ancestor,
  { found: { api }, server, directory, signal }: GrowthOptions,
): Promise<ReadonlyMap<string, string>> {
  const { past } = await replayArtifacts({
    api,
    project: server.project.path_with_namespace,
    pipelineId: pipeline.id,
    jobs: include.flatMap((one) => one.kind === "artifact" ? [one.job] : []),
    directory: join(directory, "child"),
    signal,
  });
  return new Map(
    past.flatMap(({ name, artifacts }) => artifacts.map(({ path }) => [name, path] as const)),
  );
}
