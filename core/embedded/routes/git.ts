/** Serves bare repositories over git's smart HTTP, read-only, by `git upload-pack`. */

import { realpath } from "node:fs/promises";
import { dirname, resolve, sep } from "node:path";

import { apiError } from "../answers.ts";
import type { Call } from "../call.ts";

/** `/<group>/<project>.git/<rest>`; no part may start with a dot. */
const GIT_PATH = /^((?:\/[\w][\w.-]*)+?\.git)\/(info\/refs|git-upload-pack)$/;

const UPLOAD_PACK = "git-upload-pack";

export interface GitHttpOptions {
  readonly root: string;
  /** Says whether user and password may read; undefined: everybody may. */
  readonly authorize?: ((user: string, password: string) => boolean) | undefined;
  /** The git program. */
  readonly git: string;
}

export class GitHttp {
  readonly #options: GitHttpOptions;

  constructor(options: GitHttpOptions) {
    this.#options = options;
  }

  /** The answer to a git call; undefined when the path is not one of a repository. */
  async answer(call: Call): Promise<Response | undefined> {
    const match = GIT_PATH.exec(call.path);
    const repository = match?.[1];
    if (repository === undefined) return undefined;
    if (!this.#isAuthorized(call.header("Authorization"))) {
      const challenge = { "WWW-Authenticate": 'Basic realm="GitLab"' };
      return new Response("HTTP Basic: Access denied", { status: 401, headers: challenge });
    }
    const directory = await this.#directoryOf(repository);
    if (directory === undefined) return apiError(404);
    return match?.[2] === UPLOAD_PACK
      ? this.#uploadPack(call, directory)
      : this.#advertisement(call, directory);
  }

  /** The commit a ref of a repository points at; undefined when there is none. */
  async resolve(path: string, ref: string): Promise<string | undefined> {
    const directory = await this.#directoryOf(`/${path}.git`);
    if (directory === undefined) return undefined;
    const query = ["--verify", "--quiet", "--end-of-options", `${ref}^{commit}`];
    const git = Bun.spawn([this.#options.git, "rev-parse", ...query], {
      cwd: directory,
      env: this.#environment(),
      stdin: "ignore",
      stderr: "ignore",
    });
    const sha = (await new Response(git.stdout).text()).trim();
    return await git.exited === 0 ? sha : undefined;
  }

  #isAuthorized(header: string | undefined): boolean {
    if (this.#options.authorize === undefined) return true;
    const encoded = /^Basic ([\w+/=]+)$/.exec(header ?? "")?.[1];
    const [user, ...password] = Buffer.from(encoded ?? "", "base64").toString().split(":");
    return this.#options.authorize(user ?? "", password.join(":"));
  }

  /** Undefined: there is none, or links lead it out of the root. */
  async #directoryOf(repository: string): Promise<string | undefined> {
    try {
      const root = await realpath(this.#options.root);
      const path = await realpath(resolve(root, `.${repository}`));
      return path.startsWith(root + sep) ? path : undefined;
    } catch {
      return undefined;
    }
  }

  /** What there is to fetch: the first call of every client. */
  #advertisement(call: Call, directory: string): Response {
    if (call.url.searchParams.get("service") !== UPLOAD_PACK) return apiError(403);
    const body = this.#run(["--advertise-refs"], call, directory);
    // Since version 2 of the protocol the announcement of the service is left out.
    const announced = /(?:^|:)version=[2-9]/.test(call.header("Git-Protocol") ?? "");
    return gitResponse("advertisement", announced ? body : announcing(body));
  }

  #uploadPack(call: Call, directory: string): Response {
    if (call.method !== "POST") return apiError(405);
    return gitResponse("result", this.#run([], call, directory));
  }

  #run(options: readonly string[], call: Call, directory: string): ReadableStream<Uint8Array> {
    const child = Bun.spawn(
      [this.#options.git, "upload-pack", "--strict", "--stateless-rpc", ...options, "."],
      {
        cwd: directory,
        env: { ...this.#environment(), GIT_PROTOCOL: call.header("Git-Protocol") ?? "" },
        stdin: requestBody(call) ?? "ignore",
        stdout: "pipe",
        stderr: "ignore",
      },
    );
    call.request.signal.addEventListener("abort", () => child.kill(), { once: true });
    return child.stdout;
  }

  /** Nothing of our own environment but the search path reaches git. */
  #environment(): Record<string, string> {
    return {
      PATH: dirname(this.#options.git),
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_COUNT: "3",
      GIT_CONFIG_KEY_0: "safe.directory",
      GIT_CONFIG_VALUE_0: "*",
      // Runners fetch the commit of the job, which need not be the tip of a branch.
      GIT_CONFIG_KEY_1: "uploadpack.allowAnySHA1InWant",
      GIT_CONFIG_VALUE_1: "true",
      GIT_CONFIG_KEY_2: "uploadpack.allowFilter",
      GIT_CONFIG_VALUE_2: "true",
    };
  }
}

/** Git compresses long requests. */
function requestBody(call: Call): ReadableStream<Uint8Array> | null {
  const { body } = call.request;
  const isPacked = /^(?:x-)?gzip$/.test(call.header("Content-Encoding") ?? "");
  return isPacked && body !== null ? body.pipeThrough(new DecompressionStream("gzip")) : body;
}

function gitResponse(what: "advertisement" | "result", body: ReadableStream<Uint8Array>): Response {
  return new Response(body, {
    headers: {
      "Content-Type": `application/x-${UPLOAD_PACK}-${what}`,
      "Cache-Control": "no-cache, max-age=0, must-revalidate",
    },
  });
}

/** The first lines that clients of the older protocol expect, each with its length in front. */
function announcing(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const head = new TransformStream<Uint8Array, Uint8Array>({
    start(controller) {
      controller.enqueue(Buffer.from(`001e# service=${UPLOAD_PACK}\n0000`));
    },
  });
  return body.pipeThrough(head);
}
