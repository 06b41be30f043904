/** Serves bare repositories over git's smart HTTP, read-only, by `git http-backend`. */

import { realpath } from "node:fs/promises";
import { dirname, join, resolve, sep } from "node:path";

import { apiError } from "./answers.ts";
import type { Call } from "./call.ts";

/** `/<group>/<project>.git/<rest>`; no part may start with a dot. */
const GIT_PATH = /^((?:\/[\w][\w.-]*)+?\.git)\/(info\/refs|git-upload-pack|HEAD|objects\/.+)$/;
/** The header block of a CGI answer is a few hundred bytes. */
const LONGEST_CGI_HEAD = 64 * 1024;

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
    if (!await this.#isBelowRoot(repository)) return apiError(404);
    return await this.#serve(call);
  }

  /** The commit a ref of a repository points at; undefined when there is none. */
  async resolve(path: string, ref: string): Promise<string | undefined> {
    if (!await this.#isBelowRoot(`/${path}.git`)) return undefined;
    const directory = join(this.#options.root, `${path}.git`);
    const query = ["--verify", "--quiet", "--end-of-options", `${ref}^{commit}`];
    const git = Bun.spawn([this.#options.git, "rev-parse", ...query], {
      cwd: directory,
      env: this.#environment({}),
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

  /** Also after links are followed. */
  async #isBelowRoot(repository: string): Promise<boolean> {
    try {
      const root = await realpath(this.#options.root);
      const path = await realpath(resolve(root, `.${repository}`));
      return path.startsWith(root + sep);
    } catch {
      return false;
    }
  }

  async #serve(call: Call): Promise<Response> {
    const backend = Bun.spawn([this.#options.git, "http-backend"], {
      env: this.#environment({
        GIT_PROJECT_ROOT: resolve(this.#options.root),
        GIT_HTTP_EXPORT_ALL: "1",
        PATH_INFO: call.path,
        QUERY_STRING: call.url.search.slice(1),
        REQUEST_METHOD: call.method,
        REMOTE_ADDR: "127.0.0.1",
        CONTENT_TYPE: call.header("Content-Type") ?? "",
        HTTP_CONTENT_ENCODING: call.header("Content-Encoding") ?? "",
        GIT_PROTOCOL: call.header("Git-Protocol") ?? "",
        ...contentLength(call),
      }),
      stdin: call.request.body ?? "ignore",
      stdout: "pipe",
      stderr: "ignore",
    });
    const output = backend.stdout.getReader();
    const stop = () => backend.kill();
    call.request.signal.addEventListener("abort", stop, { once: true });
    return await cgiAnswer(output, stop);
  }

  /** Nothing of our own environment but the search path reaches git. */
  #environment(more: Readonly<Record<string, string>>): Record<string, string> {
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
      ...more,
    };
  }
}

/** Left out when unknown: the program then reads to the end of its input. */
function contentLength(call: Call): Record<string, string> {
  const length = call.header("Content-Length");
  return length === undefined ? {} : { CONTENT_LENGTH: length };
}

interface ByteReader {
  read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
}

/** Turns a CGI program's output into an answer; its body is passed on as it comes. */
async function cgiAnswer(output: ByteReader, stop: () => void): Promise<Response> {
  let head = Buffer.alloc(0);
  let end = -1;
  while (end < 0 && head.length < LONGEST_CGI_HEAD) {
    const { done, value } = await output.read();
    if (done || value === undefined) break;
    head = Buffer.concat([head, value]);
    end = head.indexOf("\r\n\r\n");
  }
  if (end < 0) {
    stop();
    return apiError(500, "git http-backend gave no answer");
  }
  const headers = new Headers();
  for (const line of head.toString("latin1", 0, end).split("\r\n")) {
    const colon = line.indexOf(":");
    headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const status = Number.parseInt(headers.get("Status") ?? "200", 10);
  headers.delete("Status");
  let first: Buffer | undefined = head.subarray(end + 4);
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (first !== undefined && first.length > 0) controller.enqueue(first);
      else {
        const { done, value } = await output.read();
        if (done || value === undefined) controller.close();
        else controller.enqueue(value);
      }
      first = undefined;
    },
    cancel: stop,
  });
  return new Response(body, { status, headers });
}
