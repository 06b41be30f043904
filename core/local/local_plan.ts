/** What would run here, and with what: everything that is decided before the first job starts. */

import type { CiConfig } from "../pipeline/ci_config.ts";
import type { CiSource } from "../pipeline/ci_source.ts";
import type { Pipeline, PipelineFacts, PipelineVariable } from "../pipeline/pipeline.ts";
import { readConfig, readConfigText } from "../pipeline/read_config.ts";
import { select, type Selection, type SelectionRequest } from "../pipeline/select.ts";
import type { SourceText } from "../pipeline/yaml/source_text.ts";
import { composeFetching } from "./compose_fetching.ts";
import { type AccessTokens, tokenFor } from "./gitlab/access_token.ts";
import { type Credentials, namingMissing } from "./credentials.ts";
import type { GitlabApiOptions } from "./gitlab/gitlab_api.ts";
import type { IncludeFetcherOptions } from "./includes/include_fetcher.ts";
import { projectFiles } from "./project_files.ts";
import { remoteName, type Sources } from "./sources.ts";
import { type EventFlags, type PipelineEvent, pipelineEvent } from "./variables/pipeline_event.ts";
import { pipelineFacts, projectOf } from "./variables/pipeline_facts.ts";
import type { RemoteProject } from "./variables/remote.ts";

/** What is wanted of a pipeline, whatever made it. */
export interface PlanRequest {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How files that `include` names elsewhere are fetched. */
  readonly includes: Pick<
    IncludeFetcherOptions,
    "cacheDirectory" | "refresh" | "caFile" | "logger"
  >;
  readonly tokens: AccessTokens;
  /** The CI file, relative to the project. */
  readonly file: string;
  /** What is read in its place, where the project does not have it. */
  readonly root?: SourceText;
  readonly committed: boolean;
  readonly selection: SelectionRequest;
  /** Values of the CI file's own inputs. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly credentials: Credentials;
  readonly signal: AbortSignal;
}

export interface PlanOptions extends PlanRequest {
  /** Under way: git works while all that reads and composes is loaded. */
  readonly sources: Promise<Sources>;
  readonly event: EventFlags;
  /** The user's settings, and the command line. */
  readonly settings: Readonly<Record<string, PipelineVariable>>;
  readonly variables: Readonly<Record<string, PipelineVariable>>;
}

/** What a pipeline is made for. */
export interface PlanSubject {
  readonly sources: Sources;
  readonly event: PipelineEvent;
  readonly facts: PipelineFacts;
  readonly project: RemoteProject;
}

export interface LocalPlan extends PlanSubject, AsyncDisposable {
  /** Child pipelines are read from it too. */
  readonly files: CiSource;
  readonly config: CiConfig;
  readonly pipeline: Pipeline;
  readonly selection: Selection;
  /** Manual jobs asked for, of this pipeline or of its children. */
  readonly manual: readonly string[];
  /** That the user has set. */
  readonly credentials: Credentials;
  /** How the project's GitLab is asked. */
  readonly gitlab: GitlabApiOptions;
}

/** Throws CiConfigError for a file that GitLab would refuse, ConfigurationError for a wrong wish. */
export async function planLocal(options: PlanOptions): Promise<LocalPlan> {
  const sources = await options.sources;
  const event = pipelineEvent(options.event, sources.facts, remoteName(sources.facts));
  const project = projectOf(sources);
  const facts = pipelineFacts({
    sources,
    event,
    project,
    configPath: options.file,
    now: new Date(),
    settings: options.settings,
    pipeline: options.variables,
  });
  return await planPipeline({ sources, event, project, facts }, options);
}

/** As {@link planLocal}, for an event that is known. */
export async function planPipeline(
  subject: PlanSubject,
  options: PlanRequest,
): Promise<LocalPlan> {
  const { env, committed, file, credentials, tokens, signal } = options;
  const { sources, facts, project: { serverUrl, path } } = subject;
  const { caFile, logger } = options.includes;
  const token = tokenFor(serverUrl, tokens, serverUrl);
  const gitlab = { server: serverUrl, token, caFile, env, logger };
  const files = projectFiles({
    sources,
    committed,
    facts,
    includes: { ...options.includes, ...gitlab, path },
  });
  await using opened = new AsyncDisposableStack();
  opened.use(files);
  const reading = { file, variables: includeVariables(facts), inputs: options.inputs, signal };
  const config = options.root === undefined
    ? await readConfig(files, reading)
    : await readConfigText(options.root, files, reading);
  const pipeline = await composeFetching(config, facts, { source: files, signal });
  const selection = namingMissing(select(pipeline, options.selection), credentials);
  const kept = opened.move();
  return {
    ...subject,
    files,
    config,
    pipeline,
    selection,
    manual: options.selection.manual,
    credentials,
    gitlab,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** What `include` may use: all that exists before any job. */
export function includeVariables(
  { predefined, project, pipeline }: PipelineFacts,
): Readonly<Record<string, string>> {
  const given = Object.entries({ ...project, ...pipeline }).map(([key, { value }]) => [key, value]);
  return { ...predefined, ...Object.fromEntries(given) };
}
