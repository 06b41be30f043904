/**
 * A job that ran on a server, planned to run here: its own commit, image, variables and what the jobs
 * it needs have left, as far as a token may read them. The CI file is read here, at that commit and
 * with the pipeline's own variables: GitLab's own expansion, over its API, would take every `include`
 * with `rules` as for a push to the default branch.
 */

import { ConfigurationError } from "../../errors.ts";
import type { Pipeline, PipelineFacts, PipelineJob } from "../../pipeline/pipeline.ts";
import { EVERYTHING, select, type Selection } from "../../pipeline/select.ts";
import { type Credentials, namingMissing } from "../credentials.ts";
import { type LocalPlan, planPipeline, type PlanRequest } from "../local_plan.ts";
import type { Sources } from "../sources.ts";
import type { PipelineEvent } from "../variables/pipeline_event.ts";
import { pipelineFacts } from "../variables/pipeline_facts.ts";
import { ciFile } from "./ci_file.ts";
import { type Grown, growPipeline, type GrowthOptions, told } from "./grow_pipeline.ts";
import type { ServerJob } from "./server_answers.ts";
import type { ServerFacts } from "./server_facts.ts";
import { inScope, readable, type ServerVariables } from "./server_variables.ts";

export interface ReplayOptions
  extends GrowthOptions, Omit<PlanRequest, "file" | "selection" | "committed" | "signal"> {
  /** Of the outermost pipeline: the job's own one, when there is none above it. */
  readonly rootVariables: ServerVariables;
  /** At the job's commit. */
  readonly sources: Sources;
  /** The CI file, where it is not the one of the project's settings. */
  readonly file: string | undefined;
}

export interface Replay extends AsyncDisposable {
  readonly plan: LocalPlan;
  readonly job: PipelineJob;
  /** What the server has and this run does not, and why. */
  readonly missing: readonly string[];
}

/** Throws ConfigurationError when the job cannot be found in the CI file as it is read here. */
export async function openReplay(options: ReplayOptions): Promise<Replay> {
  const { found, server, sources, credentials, ancestors } = options;
  const { job } = found;
  const file = ciFile(options.file ?? server.project.ci_config_path);
  const root = ancestors[0]?.pipeline ?? server.pipeline;
  const event = eventOf(job, { ...server, pipeline: root });
  const project = {
    serverUrl: found.address.serverUrl,
    path: server.project.path_with_namespace,
  };
  const scopedTo = (environment: string | undefined) =>
    inScope(options.variables, { environment, isProtected: server.ref?.protected ?? false });
  const factsFor = (environment: string | undefined): PipelineFacts =>
    told(
      pipelineFacts({
        sources,
        event,
        project,
        configPath: file.path,
        now: new Date(root.created_at || Date.now()),
        settings: { ...scopedTo(environment).settings, ...options.own.settings },
        pipeline: { ...readable(options.rootVariables), ...options.own.pipeline },
      }),
      options,
      root,
    );
  await using opened = new AsyncDisposableStack();
  const plan = opened.use(
    await planPipeline({ sources, event, project, facts: factsFor(undefined) }, {
      ...options,
      file: file.path,
      ...(file.root === undefined ? {} : { root: file.root }),
      committed: true,
      selection: EVERYTHING,
    }),
  );
  const choose = async (environment: string | undefined): Promise<Chosen & Grown> => {
    const grown = await growPipeline(plan, factsFor(environment), options);
    return { ...grown, ...selectJob(grown.pipeline, { job, file: file.path, credentials }) };
  };
  const first = await choose(undefined);
  const environment = first.job.environment?.name;
  const chosen = environment === undefined ? first : await choose(environment);
  const { facts } = chosen;
  const hidden = scopedTo(environment).hidden.filter((name) =>
    !Object.hasOwn(facts.project, name) && !Object.hasOwn(facts.pipeline, name)
  );
  const kept = opened.move();
  return {
    plan: { ...plan, facts, pipeline: chosen.pipeline, selection: chosen.selection },
    job: chosen.job,
    missing: [...missingVariables(options, hidden), ...await missingSources(sources)],
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

function eventOf(job: ServerJob, server: ServerFacts): PipelineEvent {
  const { project, pipeline, mergeRequest, ref } = server;
  const none = "0".repeat(pipeline.sha.length);
  return {
    source: pipeline.source,
    kind: mergeRequest !== undefined ? "merge-request" : job.tag ? "tag" : "branch",
    ref: mergeRequest?.source_branch ?? job.ref,
    target: mergeRequest?.target_branch,
    defaultBranch: project.default_branch,
    beforeSha: pipeline.before_sha ?? none,
    tagMessage: job.tag ? ref?.message ?? "" : "",
  };
}

interface Chosen {
  readonly job: PipelineJob;
  readonly pipeline: Pipeline;
  readonly selection: Selection;
}

/** The job alone, at once, whatever it waited for on the server. */
function selectJob(
  pipeline: Pipeline,
  { job: { id, name }, file, credentials }: {
    readonly job: ServerJob;
    readonly file: string;
    readonly credentials: Credentials;
  },
): Chosen {
  const job = pipeline.jobs.find((each) => each.name === name);
  if (job === undefined) {
    const left = pipeline.excluded.find((each) => each.name === name);
    const why = left?.message ?? pipeline.refusal;
    throw new ConfigurationError(
      left === undefined
        ? `Job ${id} is called "${name}", and no job of ${file} is as it is read here` +
          (why === undefined ? "" : `: ${why}`)
        : `Job ${id}, "${name}", ran on the server and is left out here: it ${why}. Variables that ` +
          "its rules ask for can be set with --variable",
    );
  }
  const now = { ...job, when: "on_success", startInMs: 0, needs: [] } as const;
  const jobs = pipeline.jobs.map((each) => each === job ? now : each);
  const changed = { ...pipeline, jobs };
  const selection = select(changed, { ...EVERYTHING, jobs: [name] });
  return { job: now, pipeline: changed, selection: namingMissing(selection, credentials) };
}

function missingVariables(
  { server, variables, found }: ReplayOptions,
  hidden: readonly string[],
): readonly string[] {
  const isProtected = variables.settings.flat().filter((one) => one.protected);
  return [
    ...variables.closed.map((place) => `variables ${place}: the token may not read them`),
    ...hidden.map((name) => `the variable ${name}: the server shows its value to nobody`),
    ...(server.ref === undefined && isProtected.length > 0
      ? [
        `protected variables (${isProtected.map(({ key }) => key).join(", ")}): ` +
        `"${found.job.ref}" is gone from the server, and whether it was protected is not known`,
      ]
      : []),
  ];
}

/** What a job fetches besides the commit, from where it was on the server. */
async function missingSources({ git, sha }: Sources): Promise<readonly string[]> {
  const fileAt = (path: string) => git.tryAsk(["cat-file", "blob", `${sha}:${path}`]);
  const attributes = await fileAt(".gitattributes");
  return [
    ...(attributes?.includes("filter=lfs") === true
      ? ["LFS files: the job gets their pointers"]
      : []),
    ...(await fileAt(".gitmodules") === undefined
      ? []
      : ["submodules at relative addresses: they are taken to be beside the sources here"]),
  ];
}
