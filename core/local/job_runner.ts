/** Runs attempts of jobs: in their turn, with what earlier jobs left for them. */

import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { dotenvVariables, type StoredArtifact } from "../embedded/mod.ts";
import { expand } from "../job/expand.ts";
import type { JobResponse } from "../job/response.ts";
import { messageOf } from "../errors.ts";
import type { ArtifactPlace, PipelineJob } from "../pipeline/pipeline.ts";
import { Semaphore } from "../util/semaphore.ts";
import type { FetchedArchive } from "./gitlab/artifacts_elsewhere.ts";
import type { LocalEndpoint } from "./endpoint.ts";
import type { EventStream } from "./event_stream.ts";
import { type AttemptReport, reportWithoutScript, runAttempt } from "./job_attempt.ts";
import type { JobBoard } from "./job_board.ts";
import type { Credentials } from "./credentials.ts";
import type { FailureShell } from "./failure_shell.ts";
import { addCounts, countJunit, type JunitCounts, NO_TESTS } from "./junit.ts";
import type { LastRun } from "./last_run.ts";
import { jobResponse, type JobSources, type ResolvedCache } from "./job_response.ts";
import { type PastJob, PastJobs } from "./past_jobs.ts";
import { artifactsFolder } from "./run_files.ts";
import { tellWarning } from "./warnings.ts";
import { factsOf, localVariables } from "./variables/job_variables.ts";

export interface JobRunnerOptions {
  readonly board: JobBoard;
  /** Resolves when jobs of the executor are taken; throws ConfigurationError when they cannot be. */
  readonly serve: (executor: string) => Promise<void>;
  /** Ends a job that runs. */
  readonly cancelJob: (id: number) => void;
  readonly events: EventStream;
  readonly concurrency: number;
  /** Undefined: no job of the run has artifacts. */
  readonly endpoint: LocalEndpoint | undefined;
  /** Of the run: logs and artifacts. */
  readonly directory: string;
  /** Where to keep the build directories of failed jobs on this host; undefined: without `--keep`. */
  readonly kept: string | undefined;
  /** To be opened in jobs that fail. */
  readonly shell: FailureShell | undefined;
  /** Caches of jobs on this host. */
  readonly cacheDirectory: string;
  readonly serverUrl: string;
  readonly projectPath: string;
  readonly timeoutSeconds: number;
  readonly credentials: Credentials;
  readonly executorFor: (job: PipelineJob) => string;
  /** Where the jobs of an executor get their sources. */
  readonly sourcesFor: (executor: string) => JobSources;
  readonly resolveCache: (job: PipelineJob) => readonly ResolvedCache[];
  /** The archive of a job of another project, or why it is not to be had. */
  readonly fetchElsewhere: (place: ArtifactPlace) => Promise<FetchedArchive | string>;
}

interface NamedPast extends PastJob {
  readonly name: string;
}

export class JobRunner {
  readonly #options: JobRunnerOptions;
  readonly #turns: Semaphore;
  readonly #past = new PastJobs();
  /** By the path of the pipeline and the job's name: of the last attempt of each job. */
  readonly #junit = new Map<string, JunitCounts>();
  /** Numbers of environments, by their names. */
  readonly #environments = new Map<string, number>();
  #lastId = 0;

  constructor(options: JobRunnerOptions) {
    this.#options = options;
    this.#turns = new Semaphore(options.concurrency);
  }

  /** A number that no other job has. */
  nextId(): number {
    return ++this.#lastId;
  }

  /** Takes over what jobs of an earlier run have made, for those that run now. */
  adopt({ past }: LastRun): void {
    for (const { name, dotenv, artifacts } of past) {
      const id = this.nextId();
      const values = new Map(Object.entries(dotenv));
      this.#past.set([], name, { id, succeeded: true, dotenv: values });
      for (const artifact of artifacts.filter(({ path }) => existsSync(path))) {
        this.#options.endpoint?.adopt({ ...artifact, jobId: id, expireIn: "" });
      }
    }
  }

  /** What the jobs of the root pipeline have made. */
  past(): LastRun["past"] {
    return this.#past.ofRoot().map(([name, { id, dotenv }]) => {
      const artifacts = this.#options.endpoint?.artifacts(id) ?? [];
      return { name, dotenv: Object.fromEntries(dotenv), artifacts: [...artifacts] };
    });
  }

  /** Jobs of other pipelines may name this one by its number from now on. */
  openPipeline(id: string, path: readonly string[]): void {
    this.#past.open(id, path);
  }

  /** Waits for its turn. Never rejects. */
  async run(
    job: PipelineJob,
    attempt: number,
    path: readonly string[],
    { signal }: { readonly signal: AbortSignal },
  ): Promise<AttemptReport> {
    try {
      using _turn = await this.#turns.acquire({ signal });
      return await this.#run(job, attempt, path, signal);
    } catch (error) {
      if (signal.aborted) return reportWithoutScript("canceled", 0);
      this.tellFault(job, path, messageOf(error));
      return { ...reportWithoutScript("failed", 0), failureReason: "runner_system_failure" };
    }
  }

  /** Of the pipeline at this path and its children; null: none of their jobs made a report. */
  junit(path: readonly string[]): JunitCounts | null {
    const reports = [...this.#junit].filter(([key]) => isBelow(path, key));
    if (reports.length === 0) return null;
    return reports.map(([, counts]) => counts).reduce(addCounts, NO_TESTS);
  }

  /** The archive of a job that has run; undefined: it has none. */
  archiveOf(name: string, path: readonly string[]): string | undefined {
    const past = this.#past.get(path, name);
    const artifacts = past === undefined ? [] : this.#options.endpoint?.artifacts(past.id) ?? [];
    return artifacts.find(({ type }) => type === "archive")?.path;
  }

  async #run(
    job: PipelineJob,
    attempt: number,
    path: readonly string[],
    signal: AbortSignal,
  ): Promise<AttemptReport> {
    const { board, cancelJob, events, endpoint, directory, executorFor } = this.#options;
    const { cacheDirectory, kept, projectPath, shell } = this.#options;
    const executor = executorFor(job);
    await this.#options.serve(executor);
    const isNear = executor === "shell" || executor === "docker";
    const others = this.#ofPipelines(job, path);
    if (typeof others === "string") {
      this.tellFault(job, path, others);
      const report = reportWithoutScript("failed", 0);
      return { ...report, failureReason: "missing_dependency_failure" };
    }
    const elsewhere = [...others, ...await this.#elsewhere(job)];
    const response = this.#response(job, executor, path, elsewhere);
    using _admitted = endpoint?.admit(response);
    const report = await runAttempt({
      job,
      attempt,
      pipeline: path,
      executor,
      response,
      logDirectory: directory,
      cacheArchive: (key) =>
        executor === "shell" ? join(cacheDirectory, projectPath, key, "cache.zip") : undefined,
      kept: isNear ? kept : undefined,
      shell: isNear ? shell : undefined,
      board,
      cancelJob,
      events,
    }, { signal });
    const dotenv = await this.#collect(job, response.id, path);
    const succeeded = report.status === "success";
    this.#past.set(path, job.name, { id: response.id, succeeded, dotenv });
    return { ...report, environmentUrl: environmentUrl(job, response, dotenv) };
  }

  /** Says in the job's output what kept it from running. */
  tellFault(job: PipelineJob, path: readonly string[], why: string): void {
    this.#options.events.emit({
      type: "job.output",
      job: job.name,
      stage: job.stage,
      pipeline: [...path],
      text: `ERROR: ${why}`,
      source: "runner",
      stream: null,
      partial: false,
    });
  }

  /** Jobs of other projects, as if they had run here; one that is not to be had is named. */
  async #elsewhere(job: PipelineJob): Promise<readonly NamedPast[]> {
    const { endpoint, events, fetchElsewhere } = this.#options;
    return (await Promise.all(job.artifactsElsewhere.map(async (place) => {
      const name = `${place.project}@${place.ref}: ${place.job}`;
      const found = await fetchElsewhere(place);
      if (typeof found === "string") {
        const message =
          `${job.name} needs "${place.job}" of ${place.project}, which is not to be ` +
          `had: ${found}; it starts without it`;
        const keyword = `jobs:${job.config.name}:needs:project`;
        tellWarning(events, { message, place: job.config.place, keyword, job: job.name });
        return [];
      }
      const id = this.nextId();
      const filename = "artifacts.zip";
      const kind = { type: "archive", format: "zip", expireIn: "", sha256: "" };
      endpoint?.adopt({ ...kind, ...found, filename, jobId: id });
      return [{ id, name, succeeded: true, dotenv: new Map() }];
    }))).flat();
  }

  /** Jobs of its parent's and siblings' pipelines; or why the job cannot start, in GitLab's words. */
  #ofPipelines(job: PipelineJob, path: readonly string[]): readonly NamedPast[] | string {
    const found: NamedPast[] = [];
    for (const wanted of job.artifactsOfPipelines) {
      const past = this.#past.find(wanted);
      const place = `"${wanted.job}" of pipeline ${wanted.pipeline}`;
      if (past === "no-job") {
        return "This job could not start because it could not retrieve the needed artifacts: " +
          `${place} has not succeeded`;
      }
      if (past === "no-pipeline") {
        // Of the root pipeline it has been said before anything ran.
        if (path.length === 0) continue;
        const message = `${job.name} needs ${place}, which is not to be had here: ` +
          "it starts without it";
        const keyword = `jobs:${job.config.name}:needs:pipeline`;
        const about = { place: job.config.place, keyword, job: job.name };
        tellWarning(this.#options.events, { message, ...about });
      } else found.push({ ...past, name: wanted.job });
    }
    return found;
  }

  #response(
    job: PipelineJob,
    executor: string,
    path: readonly string[],
    elsewhere: readonly NamedPast[],
  ): JobResponse {
    const { serverUrl, projectPath, sourcesFor, resolveCache } = this.#options;
    const id = this.nextId();
    const token = `local-${crypto.randomUUID().replaceAll("-", "")}`;
    const timeoutSeconds = job.config.timeoutSeconds ?? this.#options.timeoutSeconds;
    const here = job.artifactsFrom.flatMap((name) => {
      const found = this.#past.get(path, name);
      return found === undefined ? [] : [{ ...found, name }];
    });
    const past: readonly NamedPast[] = [...here, ...elsewhere];
    const variables = localVariables(job, {
      ...factsOf(job),
      serverUrl,
      projectPath,
      jobId: id,
      environmentId: this.#environmentId(job),
      timeoutSeconds,
      token,
      credentials: this.#options.credentials,
      repositoryUrl: `${
        serverUrl.replace("://", `://gitlab-ci-token:${token}@`)
      }/${projectPath}.git`,
      dotenv: new Map(past.flatMap(({ dotenv }) => [...dotenv])),
    });
    return jobResponse(job, {
      id,
      token,
      projectPath,
      timeoutSeconds,
      variables,
      cache: resolveCache(job),
      sources: sourcesFor(executor),
      dependencies: past.flatMap(({ id, name }) => this.#dependency(id, name, token)),
    });
  }

  #environmentId({ environment }: PipelineJob): number | undefined {
    if (environment === undefined) return undefined;
    const known = this.#environments.get(environment.name) ?? this.#environments.size + 1;
    this.#environments.set(environment.name, known);
    return known;
  }

  #dependency(id: number, name: string, token: string): JobResponse["dependencies"] {
    const archive = this.#options.endpoint?.artifacts(id).find(({ type }) => type === "archive");
    if (archive === undefined) return [];
    const { filename, size } = archive;
    return [{ id, name, token, artifacts_file: { filename, size } }];
  }

  /** Tells of the job's artifacts, and reads what its dotenv report says. */
  async #collect(
    job: PipelineJob,
    id: number,
    path: readonly string[],
  ): Promise<ReadonlyMap<string, string>> {
    const { endpoint, events, directory } = this.#options;
    let dotenv: ReadonlyMap<string, string> = new Map();
    this.#junit.delete(keyOf(path, job.name));
    for (const artifact of endpoint?.artifacts(id) ?? []) {
      const folder = join(directory, artifactsFolder([...path, job.name]));
      mkdirSync(folder, { recursive: true });
      const file = join(folder, artifact.filename.replace(/\.gz$/, ""));
      // An earlier attempt may have left one.
      rmSync(file, { force: true });
      if (artifact.format === "gzip") {
        // One member per file; Bun's own function reads the first only.
        writeFileSync(file, gunzipSync(readFileSync(artifact.path)));
      } else linkSync(artifact.path, file);
      events.emit({
        type: "artifact",
        job: job.name,
        stage: job.stage,
        pipeline: [...path],
        name: basename(file),
        kind: artifact.type,
        path: file,
        files: await filesIn(artifact),
        bytes: artifact.size,
      });
      if (artifact.type === "dotenv") dotenv = dotenvVariables(readFileSync(artifact.path));
      if (artifact.type === "junit") {
        this.#junit.set(keyOf(path, job.name), countJunit(readFileSync(file, "utf8")));
      }
    }
    return dotenv;
  }
}

/** As GitLab has it once the job has ended: its own report may bring what is still missing. */
function environmentUrl(
  { environment }: PipelineJob,
  { variables }: JobResponse,
  dotenv: ReadonlyMap<string, string>,
): string | undefined {
  if (environment?.url === undefined) return undefined;
  const own = new Map(variables.map(({ key, value }) => [key, value]));
  return expand(environment.url, (name) => dotenv.get(name) ?? own.get(name) ?? "");
}

function keyOf(path: readonly string[], name: string): string {
  return JSON.stringify([...path, name]);
}

function isBelow(path: readonly string[], key: string): boolean {
  const names: readonly string[] = JSON.parse(key);
  return path.every((name, at) => names[at] === name);
}

/** A report is one file, however it is packed. */
async function filesIn({ format, path }: StoredArtifact): Promise<number> {
  if (format !== "zip") return 1;
  const { countFiles } = await import("../archive/count_files.ts");
  return countFiles(path);
}
