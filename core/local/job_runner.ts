/** Runs attempts of jobs: in their turn, with what earlier jobs left for them. */

import { linkSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { JobResponse } from "../job/response.ts";
import { messageOf } from "../errors.ts";
import type { PipelineJob } from "../pipeline/pipeline.ts";
import { Semaphore } from "../util/semaphore.ts";
import { readDotenv } from "./dotenv.ts";
import type { LocalEndpoint } from "./endpoint.ts";
import type { EventStream } from "./event_stream.ts";
import { type AttemptReport, reportWithoutScript, runAttempt } from "./job_attempt.ts";
import type { JobBoard } from "./job_board.ts";
import { jobResponse, type JobSources, type ResolvedCache } from "./job_response.ts";
import { factsOf, localVariables } from "./variables/job_variables.ts";

export interface JobRunnerOptions {
  readonly board: JobBoard;
  readonly events: EventStream;
  readonly concurrency: number;
  /** Undefined: no job of the run has artifacts. */
  readonly endpoint: LocalEndpoint | undefined;
  /** Of the run: logs and artifacts. */
  readonly directory: string;
  readonly serverUrl: string;
  readonly projectPath: string;
  readonly timeoutSeconds: number;
  readonly executorFor: (job: PipelineJob) => string;
  /** Where the jobs of an executor get their sources. */
  readonly sourcesFor: (executor: string) => JobSources;
  readonly resolveCache: (job: PipelineJob) => readonly ResolvedCache[];
  readonly signal: AbortSignal;
}

/** A job that has run and may have left something for later ones. */
interface PastJob {
  readonly id: number;
  readonly dotenv: ReadonlyMap<string, string>;
}

export class JobRunner {
  readonly #options: JobRunnerOptions;
  readonly #turns: Semaphore;
  /** By the path of the pipeline and the job's name. */
  readonly #past = new Map<string, PastJob>();
  #lastId = 0;

  constructor(options: JobRunnerOptions) {
    this.#options = options;
    this.#turns = new Semaphore(options.concurrency);
  }

  /** Waits for its turn. Never rejects. */
  async run(job: PipelineJob, attempt: number, path: readonly string[]): Promise<AttemptReport> {
    const { signal } = this.#options;
    try {
      using _turn = await this.#turns.acquire({ signal });
      return await this.#run(job, attempt, path);
    } catch (error) {
      this.tellFault(job, path, messageOf(error));
      if (signal.aborted) return reportWithoutScript("canceled", 0);
      return { ...reportWithoutScript("failed", 0), failureReason: "runner_system_failure" };
    }
  }

  /** The archive of a job that has run; undefined: it has none. */
  archiveOf(name: string, path: readonly string[]): string | undefined {
    const past = this.#past.get(keyOf(path, name));
    const artifacts = past === undefined ? [] : this.#options.endpoint?.artifacts(past.id) ?? [];
    return artifacts.find(({ type }) => type === "archive")?.path;
  }

  async #run(job: PipelineJob, attempt: number, path: readonly string[]): Promise<AttemptReport> {
    const { board, events, endpoint, directory, executorFor, signal } = this.#options;
    const executor = executorFor(job);
    const response = this.#response(job, executor, path);
    using _admitted = endpoint?.admit(response);
    const report = await runAttempt({
      job,
      attempt,
      pipeline: path,
      executor,
      response,
      logDirectory: directory,
      board,
      events,
    }, { signal });
    this.#past.set(keyOf(path, job.name), {
      id: response.id,
      dotenv: this.#collect(job, response.id, path),
    });
    return report;
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

  #response(job: PipelineJob, executor: string, path: readonly string[]): JobResponse {
    const { serverUrl, projectPath, sourcesFor, resolveCache } = this.#options;
    const id = ++this.#lastId;
    const token = `local-${crypto.randomUUID().replaceAll("-", "")}`;
    const timeoutSeconds = job.config.timeoutSeconds ?? this.#options.timeoutSeconds;
    const past = job.artifactsFrom.flatMap((name) => {
      const found = this.#past.get(keyOf(path, name));
      return found === undefined ? [] : [{ ...found, name }];
    });
    const variables = localVariables(job, {
      ...factsOf(job),
      serverUrl,
      projectPath,
      jobId: id,
      timeoutSeconds,
      token,
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

  #dependency(id: number, name: string, token: string): JobResponse["dependencies"] {
    const archive = this.#options.endpoint?.artifacts(id).find(({ type }) => type === "archive");
    if (archive === undefined) return [];
    const { filename, size } = archive;
    return [{ id, name, token, artifacts_file: { filename, size } }];
  }

  /** Tells of the job's artifacts, and reads what its dotenv report says. */
  #collect(job: PipelineJob, id: number, path: readonly string[]): ReadonlyMap<string, string> {
    const { endpoint, events, directory } = this.#options;
    let dotenv: ReadonlyMap<string, string> = new Map();
    for (const artifact of endpoint?.artifacts(id) ?? []) {
      const folder = join(directory, "artifacts", [...path, job.name].map(fileName).join("/"));
      mkdirSync(folder, { recursive: true });
      const file = join(folder, artifact.filename);
      linkSync(artifact.path, file);
      events.emit({
        type: "artifact",
        job: job.name,
        stage: job.stage,
        pipeline: [...path],
        name: artifact.filename,
        kind: artifact.type,
        path: file,
        files: null,
        bytes: artifact.size,
      });
      if (artifact.type === "dotenv") dotenv = readDotenv(artifact.path);
    }
    return dotenv;
  }
}

function keyOf(path: readonly string[], name: string): string {
  return JSON.stringify([...path, name]);
}

function fileName(name: string): string {
  return name.replaceAll(/[^\w.-]+/g, "_");
}
