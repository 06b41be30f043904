/** The files of a configuration: the project's own, as they are in the working tree or in HEAD. */

import { readFile, realpath, stat } from "node:fs/promises";
import { isAbsolute, normalize, relative, resolve, sep } from "node:path";
import { codeOf } from "../errors.ts";
import type { CiSource } from "../pipeline/ci_source.ts";
import type { PipelineFacts } from "../pipeline/pipeline.ts";
import type { IncludeFetcher, IncludeFetcherOptions } from "./includes/include_fetcher.ts";
import type { Sources } from "./sources.ts";

export interface ProjectFilesOptions {
  /** How files of other places are fetched. */
  readonly includes: Omit<IncludeFetcherOptions, "own"> & { readonly path: string };
  readonly sources: Sources;
  readonly committed: boolean;
  readonly facts: Pick<PipelineFacts, "files" | "changedFiles" | "predefined">;
}

/** Nothing that fetches is loaded before the first file that has to be fetched. */
export function projectFiles(options: ProjectFilesOptions): CiSource & AsyncDisposable {
  const { sources, committed, facts, includes } = options;
  const own = {
    read: (path: string) => committed ? readCommitted(sources, path) : readFromDisk(sources, path),
    files: () => facts.files(),
  };
  let opened: Promise<IncludeFetcher> | undefined;
  const elsewhere = (): Promise<IncludeFetcher> =>
    opened ??= import("./includes/include_fetcher.ts").then(({ IncludeFetcher }) =>
      new IncludeFetcher({
        ...includes,
        own: { ...own, path: includes.path, commit: facts.predefined["CI_COMMIT_SHA"] ?? "" },
      })
    );
  return {
    ...own,
    changedFiles: (compareTo) => facts.changedFiles(compareTo),
    fetch: async (file, request) => await (await elsewhere()).fetch(file, request),
    filesOf: async (project, request) => await (await elsewhere()).filesOf(project, request),
    async [Symbol.asyncDispose]() {
      (await opened)?.[Symbol.dispose]();
    },
  };
}

/** Undefined also for what is no file, and for a link to what is outside of the repository. */
async function readFromDisk({ tree }: Sources, path: string): Promise<string | undefined> {
  try {
    const root = await realpath(tree.root);
    const full = await realpath(resolve(tree.root, path));
    if (!isBelow(root, full) || !(await stat(full)).isFile()) return undefined;
    return await readFile(full, "utf8");
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "ELOOP"].includes(codeOf(error) ?? "")) return undefined;
    throw error;
  }
}

function isBelow(root: string, path: string): boolean {
  const inside = relative(root, path);
  return inside !== ".." && !inside.startsWith(`..${sep}`) && !isAbsolute(inside);
}

function readCommitted({ git, sha }: Sources, path: string): Promise<string | undefined> {
  return git.tryAsk(["cat-file", "blob", `${sha}:${normalize(path)}`]);
}
