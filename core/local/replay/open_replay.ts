/**
 * A job that ran on a server, planned to run here: its own commit, image, variables and what the jobs
 * it needs have left, as far as a token may read them. The CI file is read here, at that commit and
 * with the pipeline's own variables: GitLab's own expansion, over its API, would take every `include`
 * with `rules` as for a push to the default branch.
 */

import { ConfigurationError } from "../../errors.ts";
import type { Pipeline, PipelineJob, PipelineVariable } from "../../pipeline/pipeline.ts";
import { EVERYTHING, select, type Selection } from "../../pipeline/select.ts";
import { composeFetching } from "../compose_fetching.ts";
import { type Credentials, namingMissing } from "../credentials.ts";
import { type LocalPlan, planPipeline, type PlanRequest } from "../local_plan.ts";
import type { Sources } from "../sources.ts";
import type { PipelineEvent } from "../variables/pipeline_event.ts";
import { pipelineFacts } from "../variables/pipeline_facts.ts";
import { ciFile } from "./ci_file.ts";
import type { ServerJob } from "./server_answers.ts";
import type { FoundJob, ServerFacts } from "./server_facts.ts";
import { serverPredefined } from "./server_predefined.ts";
import { inScope, type ServerVariables } from "./server_variables.ts";

export interface ReplayOptions extends Omit<PlanRequest, "file" | "selection" | "committed"> {
  readonly found: FoundJob;
  readonly server: ServerFacts;
  readonly variables: ServerVariables;
  /** At the job's commit. */
  readonly sources: Sources;
  /** The CI file, where it is not the one of the project's settings. */
  readonly file: string | undefined;
  /** The user's settings, and the command line: they win over the server's. */
  readonly own: {
    readonly settings: Readonly<Record<string, PipelineVariable>>;
    readonly pipeline: Readonly<Record<string, PipelineVariable>>;
  };
}

export interface Replay extends AsyncDisposable {
  readonly plan: LocalPlan;
  readonly job: PipelineJob;
  /** What the server has and this run does not, and why. */
  readonly missing: readonly string[];
}

/** Throws ConfigurationError when the job cannot be found in the CI file as it is read here. */
export async function openReplay(options: ReplayOptions): Promise<Replay> {
  const { found, server, sources, credentials } = options;
  const { address, job } = found;
  if (options.file === undefined) refuseForeignFile(job, server);
  const file = ciFile(options.file ?? server.project.ci_config_path);
  const event = eventOf(job, server);
  const project = { serverUrl: address.serverUrl, path: server.project.path_with_namespace };
  const factsFor = (environment: string | undefined) => {
    const scope = { environment, isProtected: server.ref?.protected ?? false };
    const scoped = inScope(options.variables, scope);
    const facts = pipelineFacts({
      sources,
      event,
      project,
      configPath: file.path,
      now: new Date(server.pipeline.created_at || Date.now()),
      settings: { ...scoped.settings, ...options.own.settings },
      pipeline: { ...scoped.pipeline, ...options.own.pipeline },
    });
    const predefined = { ...facts.predefined, ...serverPredefined(address, job, server) };
    return { facts: { ...facts, predefined }, hidden: scoped.hidden };
  };
  const { facts, hidden } = factsFor(undefined);
  await using opened = new AsyncDisposableStack();
  const plan = opened.use(
    await planPipeline({ sources, event, project, facts }, {
      ...options,
      file: file.path,
      ...(file.root === undefined ? {} : { root: file.root }),
      committed: true,
      selection: EVERYTHING,
    }),
  );
  const choose = (pipeline: Pipeline) => selectJob(pipeline, { job, file: file.path, credentials });
  const first = choose(plan.pipeline);
  const environment = first.job.environment?.name;
  const scoped = environment === undefined ? { facts, hidden } : factsFor(environment);
  const fetching = { source: plan.files, signal: options.signal };
  const chosen = environment === undefined
    ? first
    : choose(await composeFetching(plan.config, scoped.facts, fetching));
  const unset = scoped.hidden.filter((name) =>
    !Object.hasOwn(scoped.facts.project, name) && !Object.hasOwn(scoped.facts.pipeline, name)
  );
  const kept = opened.move();
  return {
    plan: { ...plan, facts: scoped.facts, pipeline: chosen.pipeline, selection: chosen.selection },
    job: chosen.job,
    missing: [...missingVariables(options, unset), ...await missingSources(sources)],
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** A pipeline that another one started has a file that only the other one knows. */
function refuseForeignFile({ id, name }: ServerJob, { pipeline }: ServerFacts): void {
  if (pipeline.source !== "parent_pipeline") return;
  throw new ConfigurationError(
    `Job ${id}, "${name}", is of a child pipeline, and the server does not tell from which file: ` +
      "name it with --file",
  );
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
