/** The project's own CI files, as they are in the working tree or in HEAD. */

import { readFile } from "node:fs/promises";
import { isAbsolute, normalize, relative, resolve } from "node:path";
import { codeOf, RunnerError } from "../errors.ts";
import type { CiSource, FetchedFile, FileElsewhere } from "../pipeline/ci_source.ts";
import type { PipelineFacts } from "../pipeline/pipeline.ts";
import type { Sources } from "./sources.ts";

export interface ProjectFilesOptions {
  readonly sources: Sources;
  readonly committed: boolean;
  readonly facts: Pick<PipelineFacts, "files" | "changedFiles">;
}

export function projectFiles({ sources, committed, facts }: ProjectFilesOptions): CiSource {
  return {
    read: (path) => committed ? readCommitted(sources, path) : readFromDisk(sources, path),
    files: () => facts.files(),
    changedFiles: (compareTo) => facts.changedFiles(compareTo),
    fetch: (file) => Promise.resolve(notHere(file)),
    filesOf: ({ project }) => {
      throw new RunnerError(`Cannot list the files of project "${project}" here`);
    },
  };
}

async function readFromDisk({ tree }: Sources, path: string): Promise<string | undefined> {
  const full = resolve(tree.root, path);
  const inside = relative(tree.root, full);
  if (inside.startsWith("..") || isAbsolute(inside)) return undefined;
  try {
    return await readFile(full, "utf8");
  } catch (error) {
    if (["ENOENT", "EISDIR", "ENOTDIR"].includes(codeOf(error) ?? "")) return undefined;
    throw error;
  }
}

function readCommitted({ git, sha }: Sources, path: string): Promise<string | undefined> {
  return git.tryAsk(["cat-file", "blob", `${sha}:${normalize(path)}`]);
}

function notHere(file: FileElsewhere): FetchedFile {
  const what = file.kind === "project"
    ? `${file.project}:${file.path}`
    : file.kind === "remote"
    ? file.url
    : file.kind === "template"
    ? file.name
    : file.address;
  return { kind: "missing", message: `"${what}" cannot be fetched by this build` };
}
