/** Files of a GitLab instance's projects, over its API. */

import { z } from "zod";
import { type Answer, textOf } from "../../coordinator/answer.ts";
import {
  type ApiOutcome,
  GitlabApi,
  type GitlabApiOptions,
  projectPath,
} from "../gitlab/gitlab_api.ts";

const Commit = z.looseObject({ id: z.string() });
const Tags = z.array(z.looseObject({ name: z.string() }));
const Tree = z.array(z.looseObject({ path: z.string(), type: z.string() }));
const Template = z.looseObject({ content: z.string() });
const Project = z.looseObject({});

/** Undefined stands for what is not there, or may not be seen: GitLab does not tell which. */
export class GitlabFiles implements Disposable {
  readonly #api: GitlabApi;

  constructor(options: GitlabApiOptions) {
    this.#api = new GitlabApi(options);
  }

  async hasProject(project: string, signal: AbortSignal): Promise<boolean> {
    const request = { path: projectPath(project), route: "projects/:id" };
    return found(await this.#api.get(request, Project, signal)) !== undefined;
  }

  /** The commit that a branch, a tag or an abbreviated commit names. */
  async commitOf(project: string, ref: string, signal: AbortSignal): Promise<string | undefined> {
    const path = `${projectPath(project)}/repository/commits/${encodeURIComponent(ref)}`;
    const request = { path, route: "projects/:id/repository/commits/:sha" };
    return found(await this.#api.get(request, Commit, signal))?.id;
  }

  async read(
    project: string,
    commit: string,
    file: string,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const path = `${projectPath(project)}/repository/files/${encodeURIComponent(file)}/raw`;
    const answer = found(
      await this.#api.read({
        path: `${path}?ref=${encodeURIComponent(commit)}`,
        route: "projects/:id/repository/files/:file/raw",
      }, signal),
    );
    return answer && textOf(answer);
  }

  /** Names of tags that begin with `prefix`. */
  async tags(project: string, prefix: string, signal: AbortSignal): Promise<readonly string[]> {
    const query = prefix === "" ? "" : `search=${encodeURIComponent(`^${prefix}`)}&`;
    const request = {
      path: `${projectPath(project)}/repository/tags?${query}`,
      route: "projects/:id/repository/tags",
    };
    const tags = found(await this.#api.list(request, Tags, signal)) ?? [];
    return tags.map(({ name }) => name);
  }

  /** Paths of all files of a commit. */
  async list(project: string, commit: string, signal: AbortSignal): Promise<readonly string[]> {
    const query = `recursive=true&ref=${encodeURIComponent(commit)}&`;
    const request = {
      path: `${projectPath(project)}/repository/tree?${query}`,
      route: "projects/:id/repository/tree",
    };
    const entries = found(await this.#api.list(request, Tree, signal)) ?? [];
    return entries.filter(({ type }) => type === "blob").map((entry) => entry.path);
  }

  /** One of the templates that come with GitLab. */
  async template(name: string, signal: AbortSignal): Promise<string | undefined> {
    const key = name.replace(/\.gitlab-ci\.yml$/, "");
    const path = `templates/gitlab_ci_ymls/${encodeURIComponent(key)}`;
    const request = { path, route: "templates/gitlab_ci_ymls/:name" };
    return found(await this.#api.get(request, Template, signal))?.content;
  }

  /** A file of any host, which never sees the token. */
  async remote(url: string, signal: AbortSignal): Promise<Answer> {
    return await this.#api.fetchElsewhere(url, signal);
  }

  [Symbol.dispose](): void {
    this.#api[Symbol.dispose]();
  }
}

function found<T>(outcome: ApiOutcome<T>): T | undefined {
  return outcome.kind === "found" ? outcome.value : undefined;
}
