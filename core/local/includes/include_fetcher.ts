/** Fetches the files that `include` names beyond the project: from GitLab, or from any host. */

import { z } from "zod";
import { textOf } from "../../coordinator/answer.ts";
import { ConnectionFault } from "../../coordinator/fault.ts";
import { RunnerError } from "../../errors.ts";
import type {
  CiSource,
  FetchedFile,
  FileElsewhere,
  FileList,
  ProjectRef,
} from "../../pipeline/ci_source.ts";
import { locationOf } from "../../pipeline/include/include_entry.ts";
import { NO_SERVER } from "../variables/remote.ts";
import {
  type ComponentAddress,
  componentPaths,
  newestVersion,
  parseComponentAddress,
  versionPrefix,
} from "./component_address.ts";
import { componentFile, missing, noFile } from "./fetched_file.ts";
import type { GitlabApiOptions } from "../gitlab/gitlab_api.ts";
import { GitlabFiles } from "./gitlab_files.ts";
import { IncludeCache } from "./include_cache.ts";
import { fromOwnProject, type OwnProject } from "./own_project.ts";

/** Where GitLab's own templates can be read, for instances that do not give them out. */
const TEMPLATES = "https://gitlab.com/gitlab-org/gitlab/-/raw/HEAD/lib/gitlab/ci/templates";

const Found = z.strictObject({
  kind: z.literal("found"),
  text: z.string(),
  project: z.strictObject({ project: z.string(), ref: z.string().optional() }).optional(),
  component: z.strictObject({
    name: z.string(),
    sha: z.string(),
    version: z.string().optional(),
    reference: z.string(),
  }).optional(),
});
const Paths = z.array(z.string());

type Fetched = Extract<FetchedFile, { kind: "found" }>;

export interface IncludeFetcherOptions extends GitlabApiOptions {
  readonly own: OwnProject;
  /** Below it, what was fetched is kept. */
  readonly cacheDirectory: string;
  /** Fetch again what is kept. */
  readonly refresh: boolean;
}

/**
 * What was fetched once is used again until a refresh, also without a network. A project's ref means
 * the same commit for the whole run.
 */
export class IncludeFetcher implements Pick<CiSource, "fetch" | "filesOf">, Disposable {
  readonly #options: IncludeFetcherOptions;
  readonly #host: string;
  readonly #files: GitlabFiles;
  readonly #cache: IncludeCache;
  readonly #commits = new Map<string, Promise<string | undefined>>();

  constructor(options: IncludeFetcherOptions) {
    this.#options = options;
    this.#host = new URL(options.server).host;
    this.#files = new GitlabFiles(options);
    this.#cache = new IncludeCache(options.cacheDirectory);
  }

  async fetch(
    file: FileElsewhere,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<FetchedFile> {
    const own = await fromOwnProject(file, this.#options.own, this.#host);
    if (own !== undefined) return own;
    const key = [this.#options.server, ...Object.entries(file).flat().map(String)];
    const kept = this.#options.refresh ? undefined : await this.#cache.get(key, Found);
    if (kept !== undefined) return foundOf(kept);
    const fetched = await this.#tryFetch(file, signal);
    if (fetched.kind === "found") await this.#cache.set(key, fetched);
    return fetched;
  }

  async filesOf(
    { project, ref }: ProjectRef,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<FileList> {
    const { own } = this.#options;
    if (project === own.path && ref === own.commit) return own.files();
    const key = [this.#options.server, "list", project, ref ?? ""];
    const kept = this.#options.refresh ? undefined : await this.#cache.get(key, Paths);
    if (kept !== undefined) return kept;
    const commit = await this.#commitOf(project, ref ?? "HEAD", signal);
    if (commit === undefined) {
      return await this.#files.hasProject(project, signal) ? "no-ref" : "no-project";
    }
    const paths = await this.#files.list(project, commit, signal);
    await this.#cache.set(key, paths);
    return paths;
  }

  [Symbol.dispose](): void {
    this.#files[Symbol.dispose]();
  }

  /** Whoever reads what is wrong with a pipeline wants to know where the file is named. */
  async #tryFetch(file: FileElsewhere, signal: AbortSignal): Promise<FetchedFile> {
    try {
      return await this.#fetchNew(file, signal);
    } catch (error) {
      if (signal.aborted || !(error instanceof RunnerError)) throw error;
      return missing(
        `\`${locationOf(file)}\` could not be fetched from ${this.#server}: ${error.message}`,
      );
    }
  }

  get #server(): string {
    const { server } = this.#options;
    return server === NO_SERVER
      ? `${server} (no remote says which GitLab this repository is of: ` +
        "git remote add origin ADDRESS does)"
      : server;
  }

  async #fetchNew(file: FileElsewhere, signal: AbortSignal): Promise<FetchedFile> {
    switch (file.kind) {
      case "project":
        return await this.#fetchFromProject(file, signal);
      case "component":
        return await this.#fetchComponent(file.address, signal);
      case "template":
        return await this.#fetchTemplate(file.name, signal);
      case "remote":
        return await this.#fetchRemote(file.url, signal);
    }
  }

  async #fetchFromProject(
    { project, ref, path }: Extract<FileElsewhere, { kind: "project" }>,
    signal: AbortSignal,
  ): Promise<FetchedFile> {
    const commit = await this.#commitOf(project, ref ?? "HEAD", signal);
    if (commit === undefined) {
      return await this.#files.hasProject(project, signal)
        ? missing(`Project \`${project}\` reference \`${ref ?? "HEAD"}\` does not exist!`)
        : missing(`Project \`${project}\` not found or access denied!`);
    }
    const text = await this.#files.read(project, commit, path, signal);
    return text === undefined
      ? missing(noFile({ project, path }))
      : { kind: "found", text, project: { project, ref } };
  }

  /** Asked for once in a run, so that files that include each other are of one commit. */
  #commitOf(project: string, ref: string, signal: AbortSignal): Promise<string | undefined> {
    const key = `${project}@${ref}`;
    const known = this.#commits.get(key) ?? this.#files.commitOf(project, ref, signal);
    this.#commits.set(key, known);
    return known;
  }

  async #fetchComponent(address: string, signal: AbortSignal): Promise<FetchedFile> {
    const component = parseComponentAddress(address, this.#host);
    if (component === undefined) {
      return missing(`component '${address}' - the component path is not supported`);
    }
    const version = await this.#versionOf(component, signal);
    const commit = version && await this.#commitOf(component.project, version, signal);
    if (!version || !commit) return missing(`component '${address}' - content not found`);
    for (const path of componentPaths(component.name)) {
      const text = await this.#files.read(component.project, commit, path, signal);
      if (text !== undefined) return componentFile(component, { text, version, commit });
    }
    return missing(`component '${address}' - content not found`);
  }

  /** The tag, branch or commit that a reference means. */
  async #versionOf(
    { project, reference }: ComponentAddress,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const prefix = versionPrefix(reference);
    if (prefix === undefined) return reference;
    const newest = newestVersion(await this.#files.tags(project, prefix, signal), prefix);
    // `1.2` may also be the name of a branch or of a tag.
    return newest ?? (reference === "~latest" ? undefined : reference);
  }

  async #fetchTemplate(name: string, signal: AbortSignal): Promise<FetchedFile> {
    const text = await this.#files.template(name, signal);
    if (text !== undefined) return { kind: "found", text, project: undefined };
    const path = name.split("/").map(encodeURIComponent).join("/");
    const answer = await this.#files.remote(`${TEMPLATES}/${path}`, signal);
    return answer.status === 200 && answer.cut === undefined
      ? { kind: "found", text: textOf(answer), project: undefined }
      : missing(`Included file \`${name}\` is empty or does not exist!`);
  }

  async #fetchRemote(url: string, signal: AbortSignal): Promise<FetchedFile> {
    try {
      const answer = await this.#files.remote(url, signal);
      if (answer.status === 200 && answer.cut === undefined) {
        return { kind: "found", text: textOf(answer), project: undefined };
      }
      const why = answer.cut ?? `HTTP code \`${answer.status}\` error!`;
      return missing(`Remote file \`${url}\` could not be fetched because of ${why}`);
    } catch (error) {
      if (!(error instanceof ConnectionFault)) throw error;
      return missing(`Remote file \`${url}\` could not be fetched: ${error.message}`);
    }
  }
}

/** JSON leaves out what is undefined. */
function foundOf({ text, project, component }: z.infer<typeof Found>): Fetched {
  return {
    kind: "found",
    text,
    project: project && { project: project.project, ref: project.ref },
    ...(component === undefined ? {} : { component: { ...component, version: component.version } }),
  };
}
