/** Runs a planned pipeline on this machine, from its first event to its last. */

import { RunnerError } from "../errors.ts";
import type { ExecutorProvider } from "../executor.ts";
import type { Logger } from "../log/logger.ts";
import { criticalPath } from "../pipeline/critical_path.ts";
import type { EndStatus } from "../pipeline/job_outcome.ts";
import type { PipelineJob } from "../pipeline/pipeline.ts";
import type { Registry } from "../registry.ts";
import type { Shell } from "../shell.ts";
import { CacheKeys } from "./cache_keys.ts";
import { type EngineKind, engineKind } from "./container_engine.ts";
import { containerSide, HOST_NAMES, LOOPBACK } from "./container_side.ts";
import type { LocalEndpoint } from "./endpoint.ts";
import type { EventStream } from "./event_stream.ts";
import { endedAs } from "./events.ts";
import type { FailureShell } from "./failure_shell.ts";
import { JobBoard } from "./job_board.ts";
import type { JobSources } from "./job_response.ts";
import { JobRunner } from "./job_runner.ts";
import { type LastRun, saveLastRun } from "./last_run.ts";
import { removeKept } from "./kept_directories.ts";
import { LocalEngine } from "./local_engine.ts";
import type { LocalPlan } from "./local_plan.ts";
import type { JobEnd } from "./pipeline_run.ts";
import { PipelineTree } from "./pipeline_tree.ts";
import { type EntrySettings, runnerEntry, tableOf } from "./runner_entries.ts";
import { serveAs, SNAPSHOT_REF } from "./sources.ts";
import type { LocalState } from "./state.ts";
import type { RunSummary } from "./views/view.ts";
import { localWarnings, tellWarning } from "./warnings.ts";

export interface LocalRunOptions {
  readonly plan: LocalPlan;
  readonly state: LocalState;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly concurrency: number;
  readonly executorFor: (job: PipelineJob) => string;
  /** Keys of a runner entry, from flags and settings files. */
  readonly settings: EntrySettings;
  readonly timeoutSeconds: number;
  /** What an earlier run made that this one goes on from. */
  readonly lastRun: LastRun | undefined;
  /** Unpack what successful jobs made into the working tree. */
  readonly artifactsToSource: boolean;
  /** Keep the build directories and containers of jobs that fail. */
  readonly keep: boolean;
  /** Undefined: no shell is opened in jobs that fail. */
  readonly shell: FailureShell | undefined;
  readonly executors: Registry<ExecutorProvider>;
  readonly shells: Registry<Shell>;
  readonly events: EventStream;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** A pipeline that is blocked has not failed: what could run without a manual job has. */
const EXIT_CODES: Readonly<Record<EndStatus, number>> = {
  success: 0,
  manual: 0,
  failed: 1,
  canceled: 130,
};

/** Ends of jobs after which there is nothing to do again. */
const DONE: readonly EndStatus[] = ["success", "manual"];

/** Resolves when all jobs have ended and `onEnd` has been told; what is left is tidied up after it. */
export async function runLocal(
  options: LocalRunOptions,
  onEnd: (summary: RunSummary) => void,
): Promise<number> {
  const started = performance.now();
  const { plan, state, events, signal } = options;
  const { pipeline } = plan;
  const { needed, possible: used } = usedExecutors(options);
  removeKept(state.kept);
  for (const warning of localWarnings(plan, options.executorFor)) tellWarning(events, warning);
  tellOutOfReach(options, used);
  const dockerHost = tableOf(options.settings["docker"])["host"] ?? options.env["DOCKER_HOST"];
  const engine = engineKind(typeof dockerHost === "string" ? dockerHost : undefined);
  await using endpoint = needsEndpoint(options, used)
    ? await openEndpoint(state, used.has("docker") ? engine : undefined, plan.project.path)
    : undefined;
  const board = new JobBoard();
  const entryFor = (executor: string) =>
    runnerEntry({
      executor,
      engine,
      token: state.token,
      settings: options.settings,
      url: endpointUrl(executor, endpoint),
      builds: state.builds,
      cache: state.cache,
    });
  await using localEngine = await LocalEngine.open({
    ...options,
    needed: [...needed],
    possible: [...used],
    entryFor,
    board,
  });
  signal.addEventListener("abort", () => localEngine.abortJobs(), { once: true });
  const cacheKeys = new CacheKeys(plan.sources);
  const runner = new JobRunner({
    ...options,
    board,
    serve: (executor) => localEngine.serve(executor),
    cancelJob: (id) => localEngine.cancelJob(id),
    endpoint,
    directory: state.run,
    kept: options.keep ? state.kept : undefined,
    cacheDirectory: state.cache,
    serverUrl: plan.project.serverUrl,
    projectPath: plan.project.path,
    credentials: plan.credentials,
    sourcesFor: (executor) => jobSources(executor, endpoint, plan),
    resolveCache: (job) => job.cache.map((cache) => cacheKeys.resolve(cache)),
    fetchElsewhere: async (place) => {
      const { fetchArtifactsElsewhere } = await import("./gitlab/artifacts_elsewhere.ts");
      return await fetchArtifactsElsewhere(place, plan.gitlab, { directory: state.run, signal });
    },
  });
  if (options.lastRun !== undefined) runner.adopt(options.lastRun);
  const tree = new PipelineTree({ plan, runner, events, directory: state.run, signal });
  const { status, ends, unreached } = await tree.run(plan);
  const exitCode = EXIT_CODES[status];
  const failed = ends.filter(({ report }) => !DONE.includes(report.status))
    .map(({ job }) => job.name);
  saveLastRun(state.shared, {
    open: [...failed, ...unreached],
    past: runner.past().filter(({ name }) => !failed.includes(name)),
  });
  if (options.artifactsToSource) await unpackArtifacts(ends, runner, plan, signal);
  const durationMs = Math.round(performance.now() - started);
  const junit = runner.junit([]);
  events.emit({
    type: "pipeline.finished",
    pipeline: [],
    ...endedAs(status),
    exit_code: exitCode,
    duration_ms: durationMs,
    junit,
  });
  const durations = new Map(ends.map((end) => [end.job.name, end.durationMs]));
  onEnd({
    status,
    exitCode,
    durationMs,
    criticalPath: criticalPath(pipeline, durations),
    junit,
    directory: state.run,
  });
  return exitCode;
}

/** What people look at afterwards is on this host or in a container. */
function tellOutOfReach({ keep, shell, events }: LocalRunOptions, used: ReadonlySet<string>): void {
  const far = [...used].filter((executor) => executor !== "shell" && executor !== "docker");
  if (far.length === 0 || (!keep && shell === undefined)) return;
  const message = `--keep and --shell-on-failure do not reach jobs with ${far.join(", ")}`;
  tellWarning(events, { message, place: undefined, keyword: undefined, job: undefined });
}

/** In the order in which the jobs ended, so that the last one wins. */
async function unpackArtifacts(
  ends: readonly JobEnd[],
  runner: JobRunner,
  { sources }: LocalPlan,
  signal: AbortSignal,
): Promise<void> {
  const { extractArchive } = await import("../archive/extract.ts");
  for (const { job, report } of ends) {
    const archive = report.status === "success" ? runner.archiveOf(job.name, []) : undefined;
    if (archive === undefined) continue;
    const destination = sources.tree.root;
    const problems: string[] = [];
    const onProblem = (name: string, problem: string) => problems.push(`${name}: ${problem}`);
    await extractArchive({ archive, destination, onProblem, signal });
    if (problems.length > 0) {
      throw new RunnerError(`Cannot unpack artifacts of ${job.name}: ${problems.join("; ")}`);
    }
  }
}

/** Jobs of child pipelines are not known yet, and may use others than those that are `needed`. */
function usedExecutors({ plan, executors, executorFor }: LocalRunOptions) {
  const { run } = plan.selection;
  const isTrigger = ({ config }: PipelineJob) => config.trigger !== undefined;
  const needed = new Set(run.filter((job) => !isTrigger(job)).map(executorFor));
  const others = run.some(isTrigger)
    ? executors.names.filter((name) => name === "shell" || name === "docker")
    : [];
  return { needed, possible: new Set([...needed, ...others]) };
}

/** Jobs on this host fetch from a path; without artifacts they need nobody to talk to. */
function needsEndpoint(
  { plan, lastRun }: LocalRunOptions,
  executors: ReadonlySet<string>,
): boolean {
  return executors.has("docker") ||
    plan.selection.run.some(({ config, artifactsElsewhere }) =>
      config.artifacts !== undefined || config.trigger !== undefined ||
      artifactsElsewhere.length > 0
    ) ||
    (lastRun?.past.some(({ artifacts }) => artifacts.length > 0) ?? false);
}

/** Without an engine only processes of this machine come. */
async function openEndpoint(
  state: LocalState,
  engine: EngineKind | undefined,
  projectPath: string,
): Promise<LocalEndpoint> {
  const { LocalEndpoint } = await import("./endpoint.ts");
  serveAs(projectPath, state.sources);
  return new LocalEndpoint({
    side: engine === undefined
      ? { listenOn: LOOPBACK, mayBeOurs: () => true }
      : containerSide(engine),
    hostName: HOST_NAMES[engine ?? "docker"],
    directory: state.run,
    repositories: state.sources,
    gitProgram: Bun.which("git") ?? "git",
  });
}

/** Without an endpoint no job has anything to ask of this address. */
function endpointUrl(executor: string, endpoint: LocalEndpoint | undefined): string {
  if (endpoint === undefined) return "http://127.0.0.1";
  return executor === "docker" ? endpoint.containerUrl : endpoint.url;
}

/**
 * Jobs on this host fetch from the repository's path: nothing is faster. Containers see no file of
 * this host, and fetch over HTTP with the token of their job.
 */
function jobSources(
  executor: string,
  endpoint: LocalEndpoint | undefined,
  { sources, event, project }: LocalPlan,
): JobSources {
  const { sha, objectFormat, repository, depth } = sources;
  return {
    repositoryUrl: executor === "docker" && endpoint !== undefined
      ? `${endpoint.containerUrl.replace("://", "://gitlab-ci-token@")}/${project.path}.git`
      : repository.path,
    sha,
    beforeSha: event.beforeSha,
    ref: event.ref,
    refType: event.kind === "tag" ? "tag" : "branch",
    refspecs: [`+${SNAPSHOT_REF}:${SNAPSHOT_REF}`],
    depth,
    objectFormat,
  };
}
