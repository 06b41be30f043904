/** An engine that runs nothing: it answers what preparing a job asks, and keeps what it was asked. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface RecordedCall {
  readonly method: string;
  /** With version and query. */
  readonly url: string;
  readonly body: Readonly<Record<string, unknown>>;
}

export class RecordingEngine implements AsyncDisposable {
  readonly calls: RecordedCall[] = [];
  /** Its list of volumes, whatever is asked for. */
  readonly volumes: object[] = [];
  readonly host: string;
  /** `Api-Version` of its answer to a ping. */
  readonly #apiVersion: string;
  readonly #directory = mkdtempSync(join(tmpdir(), "recording-engine-"));
  readonly #server: Bun.Server<undefined>;
  readonly #image: object;

  /** `image`: the `Config` of every image. */
  constructor(options: {
    apiVersion: string;
    image?: object;
    architecture?: string | undefined;
  }) {
    this.#apiVersion = options.apiVersion;
    this.#image = {
      Id: `sha256:${"1".repeat(64)}`,
      Os: "linux",
      Architecture: options.architecture ?? process.arch,
      Config: options.image ?? {},
    };
    const unix = join(this.#directory, "engine.sock");
    this.host = `unix://${unix}`;
    this.#server = Bun.serve({ unix, fetch: (request) => this.#answer(request) });
  }

  /** Bodies of the containers made for a job, by the type in their labels. */
  created(type: string): Readonly<Record<string, unknown>> {
    const found = this.calls.find(({ url, body }) =>
      url.includes("/containers/create") &&
      (body["Labels"] as Record<string, string>)["com.gitlab.gitlab-runner.type"] === type
    );
    if (found === undefined) throw new Error(`no container of type ${type} was made`);
    return found.body;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(true);
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    const isJson = request.headers.get("content-type") === "application/json";
    const text = await request.text();
    const body = isJson && text !== "" ? JSON.parse(text) : {};
    const { method } = request;
    this.calls.push({ method, url: pathname + search, body });
    const path = pathname.replace(/^\/v[\d.]+/, "");
    if (path === "/_ping") {
      return new Response("OK", { headers: { "Api-Version": this.#apiVersion } });
    }
    if (path === "/info") return Response.json({ OSType: "linux", Architecture: arch() });
    if (/^\/images\/.*\/json$/.test(path)) return this.#inspectImage(path);
    if (path === "/containers/create") {
      return Response.json({ Id: `${this.calls.length}`.repeat(8) });
    }
    if (/^\/containers\/[^/]+\/json$/.test(path)) return this.#inspectContainer(path);
    if (path === "/volumes/create") return Response.json({ CreatedAt: "2026-08-01T00:00:00Z" });
    if (path === "/networks/create") return Response.json({ Id: "network" });
    if (method === "GET" && path === "/volumes") return Response.json({ Volumes: this.volumes });
    if (method === "HEAD" && path.endsWith("/archive")) return none();
    if (method === "GET") return Response.json([]);
    return new Response(null, { status: 204 });
  }

  #inspectImage(path: string): Response {
    // Only the helper image that nobody configured is not there.
    if (path.includes("gitlab-runner-helper")) {
      return none();
    }
    return Response.json(this.#image);
  }

  #inspectContainer(path: string): Response {
    return Response.json({
      Id: path.split("/")[2],
      Name: "/x",
      State: { Status: "running", ExitCode: 0 },
      Config: {},
    });
  }
}

function none(): Response {
  return Response.json({ message: "not there" }, { status: 404 });
}

function arch(): string {
  return process.arch === "arm64" ? "aarch64" : "x86_64";
}
