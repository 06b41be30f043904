/** Files of a GitLab instance's projects, over its API. */

import { z } from "zod";
import { type Answer, jsonOf, statusLine, textOf } from "../../coordinator/answer.ts";
import { CoordinatorHttp, readAnswer } from "../../coordinator/http.ts";
import type { Environment } from "../../coordinator/proxy.ts";
import { RunnerError } from "../../errors.ts";
import type { Logger } from "../../log/logger.ts";
import type { Secret } from "../../util/secret.ts";

/** A CI file is small: whoever is slower than this will not answer at all. */
const TIMEOUTS = { exchangeMs: 60_000, headersMs: 30_000 };
const PAGE_SIZE = 100;
/** A project of a million files: whoever has more has to name them. */
const MOST_PAGES = 10_000;

const Commit = z.looseObject({ id: z.string() });
const Tags = z.array(z.looseObject({ name: z.string() }));
const Tree = z.array(z.looseObject({ path: z.string(), type: z.string() }));
const Template = z.looseObject({ content: z.string() });

export interface GitlabFilesOptions {
  /** The instance that the repository's remote names. */
  readonly server: string;
  /** Sent to that instance only. */
  readonly token: Secret | undefined;
  readonly env: Environment;
  readonly logger: Logger;
}

/** Undefined stands for what is not there, or may not be seen: GitLab does not tell which. */
export class GitlabFiles implements Disposable {
  readonly #options: GitlabFilesOptions;
  readonly #http: CoordinatorHttp;

  constructor(options: GitlabFilesOptions) {
    this.#options = options;
    this.#http = new CoordinatorHttp({ ...options, url: options.server, timeouts: TIMEOUTS });
  }

  async hasProject(project: string, signal: AbortSignal): Promise<boolean> {
    return await this.#get(projectPath(project), "projects/:id", signal) !== undefined;
  }

  /** The commit that a branch, a tag or an abbreviated commit names. */
  async commitOf(project: string, ref: string, signal: AbortSignal): Promise<string | undefined> {
    const path = `${projectPath(project)}/repository/commits/${encodeURIComponent(ref)}`;
    const answer = await this.#get(path, "projects/:id/repository/commits/:sha", signal);
    return answer && parse(Commit, answer, path).id;
  }

  async read(
    project: string,
    commit: string,
    file: string,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const path = `${projectPath(project)}/repository/files/${encodeURIComponent(file)}/raw`;
    const answer = await this.#get(
      `${path}?ref=${encodeURIComponent(commit)}`,
      "projects/:id/repository/files/:file/raw",
      signal,
    );
    return answer && textOf(answer);
  }

  /** Names of tags that begin with `prefix`. */
  async tags(project: string, prefix: string, signal: AbortSignal): Promise<readonly string[]> {
    const query = prefix === "" ? "" : `search=${encodeURIComponent(`^${prefix}`)}&`;
    const path = `${projectPath(project)}/repository/tags?${query}`;
    const tags = await this.#pages(path, "projects/:id/repository/tags", Tags, signal);
    return tags.map(({ name }) => name);
  }

  /** Paths of all files of a commit. */
  async list(project: string, commit: string, signal: AbortSignal): Promise<readonly string[]> {
    const path = `${projectPath(project)}/repository/tree?recursive=true&ref=` +
      `${encodeURIComponent(commit)}&`;
    const entries = await this.#pages(path, "projects/:id/repository/tree", Tree, signal);
    return entries.filter(({ type }) => type === "blob").map((entry) => entry.path);
  }

  /** One of the templates that come with GitLab. */
  async template(name: string, signal: AbortSignal): Promise<string | undefined> {
    const key = name.replace(/\.gitlab-ci\.yml$/, "");
    const path = `templates/gitlab_ci_ymls/${encodeURIComponent(key)}`;
    const answer = await this.#get(path, "templates/gitlab_ci_ymls/:name", signal);
    return answer && parse(Template, answer, path).content;
  }

  /** A file of any host, which never sees the token. */
  async remote(url: string, signal: AbortSignal): Promise<Answer> {
    const read = (response: Response) => readAnswer(response, "");
    return await this.#http.fetchStored(new URL(url), read, { signal });
  }

  [Symbol.dispose](): void {
    this.#http[Symbol.dispose]();
  }

  async #pages<Item>(
    path: string,
    route: string,
    schema: z.ZodType<readonly Item[]>,
    signal: AbortSignal,
  ): Promise<readonly Item[]> {
    const all: Item[] = [];
    for (let page = 1; page <= MOST_PAGES; page++) {
      const where = `${path}per_page=${PAGE_SIZE}&page=${page}`;
      const answer = await this.#get(where, route, signal);
      if (answer === undefined) return all;
      const items = parse(schema, answer, where);
      all.push(...items);
      if (items.length < PAGE_SIZE) return all;
    }
    throw new RunnerError(
      `Cannot list "${path}" of ${this.#options.server}: it has too many pages`,
    );
  }

  async #get(path: string, route: string, signal: AbortSignal): Promise<Answer | undefined> {
    const { server, token } = this.#options;
    const answer = await this.#http.call({
      method: "GET",
      path,
      route,
      token: token && { header: "PRIVATE-TOKEN", value: token },
      repeat: "on-failure",
      follow: "everywhere",
    }, { signal });
    // Without a token, or with one that may not, GitLab answers as if nothing were there.
    if (answer.status === 401 || answer.status === 403 || answer.status === 404) return undefined;
    if (answer.status === 200 && answer.cut === undefined) return answer;
    const why = answer.cut ?? statusLine(answer);
    throw new RunnerError(`Cannot read "${path}" of ${server}: ${why}`);
  }
}

function projectPath(project: string): string {
  return `projects/${encodeURIComponent(project)}`;
}

function parse<T>(schema: z.ZodType<T>, answer: Answer, path: string): T {
  const parsed = schema.safeParse(jsonOf(answer));
  if (parsed.success) return parsed.data;
  throw new RunnerError(`Cannot understand the answer to "${path}"`, { cause: parsed.error });
}
