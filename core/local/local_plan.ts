/** What would run here, and with what: everything that is decided before the first job starts. */

import type { CiConfig } from "../pipeline/ci_config.ts";
import type { CiSource } from "../pipeline/ci_source.ts";
import { compose } from "../pipeline/compose.ts";
import type { Pipeline, PipelineFacts, PipelineVariable } from "../pipeline/pipeline.ts";
import { readConfig } from "../pipeline/read_config.ts";
import { select, type Selection, type SelectionRequest } from "../pipeline/select.ts";
import { type IdTokens, namingMissing } from "./id_tokens.ts";
import type { IncludeFetcherOptions } from "./includes/include_fetcher.ts";
import { projectFiles } from "./project_files.ts";
import { remoteName, type Sources } from "./sources.ts";
import { type EventFlags, type PipelineEvent, pipelineEvent } from "./variables/pipeline_event.ts";
import { pipelineFacts, projectOf } from "./variables/pipeline_facts.ts";
import type { RemoteProject } from "./variables/remote.ts";

export interface PlanOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Under way: git works while all that reads and composes is loaded. */
  readonly sources: Promise<Sources>;
  /** How files that `include` names elsewhere are fetched. */
  readonly includes: Pick<IncludeFetcherOptions, "token" | "cacheDirectory" | "refresh" | "logger">;
  /** The CI file, relative to the project. */
  readonly file: string;
  readonly committed: boolean;
  readonly event: EventFlags;
  readonly selection: SelectionRequest;
  /** Values of the CI file's own inputs. */
  readonly inputs: Readonly<Record<string, string>>;
  /** The user's settings, and the command line. */
  readonly settings: Readonly<Record<string, PipelineVariable>>;
  readonly variables: Readonly<Record<string, PipelineVariable>>;
  readonly idTokens: IdTokens;
  readonly signal: AbortSignal;
}

export interface LocalPlan extends AsyncDisposable {
  readonly sources: Sources;
  readonly event: PipelineEvent;
  readonly facts: PipelineFacts;
  readonly project: RemoteProject;
  /** Child pipelines are read from it too. */
  readonly files: CiSource;
  readonly config: CiConfig;
  readonly pipeline: Pipeline;
  readonly selection: Selection;
  /** That the user has set. */
  readonly idTokens: IdTokens;
}

/** Throws CiConfigError for a file that GitLab would refuse, ConfigurationError for a wrong wish. */
export async function planLocal(options: PlanOptions): Promise<LocalPlan> {
  const { env, committed, signal, file } = options;
  const sources = await options.sources;
  const event = pipelineEvent(options.event, sources.facts, remoteName(sources.facts));
  const project = projectOf(sources);
  const facts = pipelineFacts({
    sources,
    event,
    configPath: file,
    now: new Date(),
    project: options.settings,
    pipeline: options.variables,
  });
  const files = projectFiles({
    sources,
    committed,
    facts,
    includes: { ...options.includes, server: project.serverUrl, path: project.path, env },
  });
  await using opened = new AsyncDisposableStack();
  opened.use(files);
  const config = await readConfig(files, {
    file,
    variables: includeVariables(facts),
    inputs: options.inputs,
    signal,
  });
  const pipeline = compose(config, facts);
  const { idTokens } = options;
  const selection = namingMissing(select(pipeline, options.selection), idTokens);
  const kept = opened.move();
  return {
    sources,
    event,
    facts,
    project,
    files,
    config,
    pipeline,
    selection,
    idTokens,
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
