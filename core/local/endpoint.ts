/**
 * The part of GitLab's HTTP interface that jobs themselves call: artifacts up and down, and sources
 * for those in containers. It listens for one run, to jobs that run and to nobody else.
 */

import {
  apiError,
  ArtifactStore,
  Call,
  downloadAnswer,
  GitHttp,
  type ReceiveOutcome,
  type StoredArtifact,
  textAnswer,
  uploadRefusal,
} from "../embedded/mod.ts";
import { RunnerError } from "../errors.ts";
import { type ContainerSide, LOOPBACK } from "./container_side.ts";

export interface EndpointOptions {
  /** Who may connect, and where. */
  readonly side: ContainerSide;
  /** By which containers know this machine. */
  readonly hostName: string;
  /** Where artifacts are kept. */
  readonly directory: string;
  /** Folder with the repositories that are served. */
  readonly repositories: string;
  readonly gitProgram: string;
}

const MOST_ARTIFACT_BYTES = 64 * 1024 ** 3;
/** Nothing is served below other paths. */
const ARTIFACTS = /^\/api\/v4\/jobs\/(\d+)\/artifacts$/;

export class LocalEndpoint implements AsyncDisposable {
  /** As processes of this machine reach it, without a slash at the end. */
  readonly url: string;
  /** As containers reach it. */
  readonly containerUrl: string;
  readonly #server: Bun.Server<undefined>;
  readonly #artifacts: ArtifactStore;
  readonly #git: GitHttp;
  /** Ids of running jobs, by their tokens. */
  readonly #jobs = new Map<string, number>();

  constructor(options: EndpointOptions) {
    this.#artifacts = new ArtifactStore(options.directory, {
      artifactLimitBytes: MOST_ARTIFACT_BYTES,
    });
    this.#git = new GitHttp({
      root: options.repositories,
      git: options.gitProgram,
      authorize: (user, password) => user === "gitlab-ci-token" && this.#jobs.has(password),
    });
    this.#server = Bun.serve({
      hostname: options.side.listenOn,
      port: 0,
      // Packing artifacts and slow disks are not idle.
      idleTimeout: 0,
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      fetch: (request, server) =>
        options.side.mayBeOurs(server.requestIP(request)?.address ?? "")
          ? this.#answer(new Call(request, { root: "", connection: "" }))
          : apiError(403),
      error: (error) => apiError(500, error.message),
    });
    const { port } = this.#server;
    if (port === undefined) throw new RunnerError("Cannot listen for jobs");
    const { listenOn } = options.side;
    this.url = `http://${listenOn === "0.0.0.0" ? LOOPBACK : listenOn}:${port}`;
    this.containerUrl = `http://${options.hostName}:${port}`;
  }

  /** Lets a job in until the result is disposed. */
  admit(job: { readonly id: number; readonly token: string }): Disposable {
    this.#jobs.set(job.token, job.id);
    return { [Symbol.dispose]: () => void this.#jobs.delete(job.token) };
  }

  artifacts(jobId: number): readonly StoredArtifact[] {
    return this.#artifacts.of(jobId);
  }

  /** Artifacts of an earlier run. */
  adopt(artifact: StoredArtifact): void {
    this.#artifacts.adopt(artifact);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(true);
  }

  async #answer(call: Call): Promise<Response> {
    const jobId = ARTIFACTS.exec(call.path)?.[1];
    if (jobId === undefined) return await this.#git.answer(call) ?? apiError(404);
    const reader = this.#jobs.get(call.header("Job-Token") ?? "");
    if (reader === undefined) return apiError(401);
    if (call.method === "GET") return this.#download(call, Number(jobId));
    if (call.method !== "POST") return apiError(405);
    return reader === Number(jobId) ? await this.#upload(call, reader) : apiError(403);
  }

  #download(call: Call, jobId: number): Response {
    const archive = this.#artifacts.find(jobId);
    return archive === undefined ? apiError(404) : downloadAnswer(archive, call.header("Range"));
  }

  async #upload(call: Call, jobId: number): Promise<Response> {
    const outcome = await this.#artifacts.receive({
      jobId,
      query: call.url.searchParams,
      contentType: call.header("Content-Type"),
      body: call.request.body,
    });
    return uploadAnswer(outcome);
  }
}

function uploadAnswer(outcome: ReceiveOutcome): Response {
  return outcome.kind === "stored" || outcome.kind === "repeated"
    ? textAnswer(201, "201")
    : uploadRefusal(outcome);
}
