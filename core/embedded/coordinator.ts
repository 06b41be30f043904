/**
 * A small GitLab-compatible coordinator on loopback: for trying a runner, for authors of plugins,
 * and for our own tests and benchmarks. It works with any runner.
 */

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Server, TLSOptions } from "bun";

import { apiError } from "./answers.ts";
import { storageAnswer } from "./routes/artifacts.ts";
import { ArtifactStore, type StoredArtifact } from "./artifact_store.ts";
import { Call, epochMs } from "./call.ts";
import { Checks, type Finding } from "./checks.ts";
import { Dispatcher } from "./dispatcher.ts";
import { type ActiveFault, type FaultInput, type FaultPredicate, Faults } from "./faults.ts";
import { GitHttp } from "./routes/git.ts";
import { EmbeddedJob, JobStore } from "./jobs.ts";
import { type CoordinatorOptions, type CoordinatorSettings, DEFAULT_SETTINGS } from "./options.ts";
import { buildPayload, JobDescription, type JobDescriptionInput } from "./payload.ts";
import { People } from "./people.ts";
import { JobQueue } from "./queue.ts";
import { RateLimiter } from "./rate_limiter.ts";
import { type RecordedRequest, Recorder } from "./recorder.ts";
import { type EmbeddedRunner, type RunnerSettings, RunnerStore } from "./runners.ts";
import type { CoordinatorEvent, CoordinatorState } from "./state.ts";
import { RunnerError } from "../errors.ts";

/** Requests the recorder remembers unless told otherwise. */
const REMEMBERED_REQUESTS = 10_000;

export interface JobPlacement {
  /** Only this runner may take the job. */
  readonly runner?: EmbeddedRunner;
}

export class EmbeddedCoordinator implements AsyncDisposable {
  readonly settings: CoordinatorSettings;
  readonly checks = new Checks();
  readonly faults = new Faults();
  readonly recorder: Recorder;
  /** What the API for people knows beside jobs. */
  readonly people = new People();
  readonly #options: CoordinatorOptions;
  readonly #directory: string;
  readonly #runners = new RunnerStore();
  readonly #jobs = new JobStore();
  readonly #queue = new JobQueue(this.#runners);
  readonly #listeners = new Set<(event: CoordinatorEvent) => void>();
  readonly #state: CoordinatorState;
  readonly #dispatcher: Dispatcher;
  readonly #git: GitHttp | undefined;
  #server: Server<undefined> | undefined;
  #storage: Server<undefined> | undefined;
  #port: number;
  #down = new AbortController();

  private constructor(options: CoordinatorOptions) {
    this.#options = options;
    this.#port = options.port ?? 0;
    this.settings = { ...DEFAULT_SETTINGS, ...pickSettings(options) };
    this.#directory = options.dataDirectory ?? mkdtempSync(join(tmpdir(), "coordinator-"));
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    this.recorder = new Recorder({
      capacity: REMEMBERED_REQUESTS,
      detail: "outline",
      ...options.recorder,
    });
    this.#git = this.#makeGit();
    this.#state = this.#makeState();
    this.#dispatcher = new Dispatcher(this.#state, {
      root: this.#root,
      allowedHosts: options.allowedHosts ?? [],
    });
  }

  /** Listens from when the promise resolves. */
  static async start(options: CoordinatorOptions = {}): Promise<EmbeddedCoordinator> {
    const coordinator = new EmbeddedCoordinator(options);
    await coordinator.resume();
    return coordinator;
  }

  /** Base URL for runners, without a slash at the end. */
  get url(): string {
    const scheme = this.#options.tls === undefined ? "http" : "https";
    return `${scheme}://${hostInUrl(this.#hostname)}:${this.#port}${this.#root}`;
  }

  addRunner(settings: RunnerSettings = {}): EmbeddedRunner {
    return this.#runners.add({ checkIntervalMs: this.settings.checkIntervalMs, ...settings });
  }

  runners(): EmbeddedRunner[] {
    return this.#runners.all();
  }

  jobs(): EmbeddedJob[] {
    return this.#jobs.all();
  }

  /** Opens a job to runners. Throws a ZodError when the description is none. */
  enqueue(description: JobDescriptionInput, placement: JobPlacement = {}): EmbeddedJob {
    const job = JobDescription.parse(description);
    return this.enqueuePayload(
      (handedOut, baseUrl) => this.#payload(job, handedOut, baseUrl),
      { ...placement, name: job.name, tags: job.tags, description: job },
    );
  }

  /** Opens a job whose payload the caller makes, wrong ones included, when it is handed out. */
  enqueuePayload(
    payload: (job: EmbeddedJob, baseUrl: string) => unknown,
    placement: JobPlacement & {
      readonly name?: string;
      readonly tags?: readonly string[];
      readonly description?: JobDescription;
    } = {},
  ): EmbeddedJob {
    const id = this.#jobs.nextId();
    const job = new EmbeddedJob({
      id,
      name: placement.name ?? "job",
      tags: placement.tags ?? [],
      description: placement.description,
      runner: placement.runner,
      tracePath: join(this.#directory, `trace-${id}`),
      payload,
      changed: (changed) => this.#jobChanged(changed),
    });
    this.#jobs.add(job);
    this.#queue.add(job);
    return job;
  }

  cancel(job: EmbeddedJob, how: "graceful" | "forced" = "graceful"): void {
    job.cancel(how);
  }

  /** Removes what the job has left, as a person can. */
  erase(job: EmbeddedJob): void {
    job.erasedAt = new Date().toISOString();
    this.#state.artifacts.remove(job.id);
  }

  artifacts(job: EmbeddedJob): StoredArtifact[] {
    return this.#state.artifacts.of(job.id);
  }

  /** Sets a fault for calls of runners and of git; `when` decides beside the data. */
  inject(fault: FaultInput, when?: FaultPredicate): ActiveFault {
    return this.faults.inject(fault, when);
  }

  findings(runner?: EmbeddedRunner): Finding[] {
    return this.checks.findings(runner);
  }

  requests(filter?: (request: RecordedRequest) => boolean): RecordedRequest[] {
    return this.recorder.requests(filter);
  }

  /** The commit a ref of a served repository points at. */
  async resolveCommit(path: string, ref: string): Promise<string | undefined> {
    return await this.#git?.resolve(path, ref);
  }

  /** Calls `listener` with every event; the result ends that. */
  onEvent(listener: (event: CoordinatorEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Refuses connections and cuts those that are open; state is kept. */
  async suspend(): Promise<void> {
    this.#down.abort(new RunnerError("Coordinator goes down"));
    const { promise, resolve } = Promise.withResolvers<void>();
    // Held polls get their 204 before connections are cut.
    setImmediate(resolve);
    await promise;
    await Promise.all([this.#server?.stop(true), this.#storage?.stop(true)]);
    this.#server = undefined;
    this.#storage = undefined;
  }

  /** Listens again on the same port, with another certificate when one is given. */
  async resume(tls: TLSOptions | undefined = this.#options.tls): Promise<void> {
    if (this.#server !== undefined) return;
    this.#down = new AbortController();
    this.#server = Bun.serve({
      hostname: this.#hostname,
      port: this.#port,
      ...(tls === undefined ? {} : { tls }),
      // Held polls and slow uploads are not idle.
      idleTimeout: 0,
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      fetch: (request, server) => {
        const peer = server.requestIP(request);
        return this.#dispatcher.handle(request, `${peer?.address}:${peer?.port}`);
      },
      error: (error) => apiError(500, error.message),
    });
    this.#port = this.#server.port ?? this.#port;
    if (this.#options.storageRedirect === true) {
      this.#storage = Bun.serve({
        hostname: this.#hostname,
        port: 0,
        fetch: (request) => storageAnswer(this.#state, new Call(request, storageOrigin)),
      });
    }
  }

  /** Ends everything; traces and artifacts are removed unless they were given a folder. */
  async stop(): Promise<void> {
    await this.suspend();
    for (const job of this.#jobs.all()) job.release();
    if (this.#options.dataDirectory === undefined) {
      rmSync(this.#directory, { recursive: true, force: true });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  get #hostname(): string {
    return this.#options.hostname ?? "127.0.0.1";
  }

  get #root(): string {
    return this.#options.relativeRoot?.replace(/\/+$/, "") ?? "";
  }

  #makeState(): CoordinatorState {
    return {
      settings: this.settings,
      runners: this.#runners,
      jobs: this.#jobs,
      queue: this.#queue,
      artifacts: new ArtifactStore(this.#directory, this.settings),
      checks: this.checks,
      faults: this.faults,
      recorder: this.recorder,
      limiter: new RateLimiter(),
      git: this.#git,
      people: this.people,
      down: () => this.#down.signal,
      emit: (event) => this.#emit(event),
      // By the name the runner used: the right one inside a container, too.
      baseUrl: (call) => call.url.origin + this.#root,
      enqueue: (description) => this.enqueue(description),
      storageUrl: () =>
        this.#storage === undefined
          ? undefined
          : `http://${hostInUrl(this.#hostname)}:${this.#storage.port}`,
    };
  }

  #makeGit(): GitHttp | undefined {
    const { reposRoot, gitNeedsToken } = this.#options;
    if (reposRoot === undefined) return undefined;
    const git = Bun.which("git");
    if (git === null) throw new RunnerError(`Cannot serve "${reposRoot}": git is not installed`);
    const authorize = (user: string, password: string) =>
      user === "gitlab-ci-token"
        ? this.#jobs.withToken(password)?.isRunning === true
        : this.people.mayReadRepositories(password);
    return new GitHttp({
      root: reposRoot,
      git,
      authorize: gitNeedsToken === true ? authorize : undefined,
    });
  }

  #payload(description: JobDescription, job: EmbeddedJob, baseUrl: string): unknown {
    return buildPayload(description, {
      id: job.id,
      token: job.token,
      baseUrl,
      mode: this.settings.mode,
      runnerId: job.runner?.id ?? 0,
      runnerDescription: job.runner?.description ?? "",
      queuedSeconds: ((job.times.handedOut ?? epochMs()) - job.times.queued) / 1000,
      queueSize: this.#queue.size,
      archiveOf: (id) => {
        const archive = this.#state.artifacts.find(id);
        const owner = this.#jobs.get(id);
        if (archive === undefined || owner === undefined) return undefined;
        const { filename, size } = archive;
        return { name: owner.name, token: owner.token, filename, size };
      },
    });
  }

  #jobChanged(job: EmbeddedJob): void {
    if (job.isOver) this.#queue.remove(job);
    const reason = job.outcome?.failureReason;
    const why = reason === undefined ? "" : ` (${reason})`;
    const by = job.runner === undefined ? "" : ` on runner ${job.runner.id}`;
    this.#emit({ kind: "job", text: `job ${job.id} "${job.name}" is ${job.state}${why}${by}` });
  }

  #emit(event: CoordinatorEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

const storageOrigin = { root: "", connection: "" };

function pickSettings(options: CoordinatorOptions): Partial<CoordinatorSettings> {
  const given = Object.entries(options).filter(([name, value]) =>
    name in DEFAULT_SETTINGS && value !== undefined
  );
  return Object.fromEntries(given);
}

/** An address to connect to: the wildcard stands for loopback, IPv6 goes in brackets. */
function hostInUrl(hostname: string): string {
  if (hostname === "0.0.0.0") return "127.0.0.1";
  if (hostname === "::") return "[::1]";
  return hostname.includes(":") ? `[${hostname}]` : hostname;
}
