/** Finds the files that one entry of `include` means, and says what is wrong with those it cannot. */

import type {
  CiSource,
  ComponentFacts,
  FileElsewhere,
  FileList,
  ProjectRef,
} from "../ci_source.ts";
import type { Problems } from "../problems.ts";
import { placeOf, type YamlNode } from "../yaml/node.ts";
import { type IncludeEntry, locationOf } from "./include_entry.ts";
import { matchesIntegrity } from "./integrity.ts";
import { includePattern } from "./path_pattern.ts";

/** A file that was found, and what its own includes are relative to. */
export interface FoundFile {
  readonly text: string;
  readonly location: string;
  readonly from: Origin;
  readonly component: ComponentFacts | undefined;
}

/** Where the file stands that includes: `include:local` means a file beside it. */
export type Origin =
  | { readonly kind: "own" }
  | { readonly kind: "project"; readonly project: ProjectRef }
  /** A remote file or a template: beside it there is nothing. */
  | { readonly kind: "nowhere" };

export interface FileFinderOptions {
  readonly source: CiSource;
  readonly problems: Problems;
  readonly signal: AbortSignal;
}

export class FileFinder {
  readonly #options: FileFinderOptions;

  constructor(options: FileFinderOptions) {
    this.#options = options;
  }

  async find(entry: IncludeEntry, origin: Origin): Promise<readonly FoundFile[]> {
    const { target } = entry;
    if (target.kind !== "local") return await this.#fetch(target, entry);
    const path = target.path.replace(/^\/+/, "");
    if (!path.includes("*")) {
      if (!this.#checkName(target.path, entry)) return [];
      return await this.#readLocal(target.path, entry, origin);
    }
    const pattern = includePattern(path);
    const paths = (await this.#pathsOf(origin)).filter((file) => pattern.test(file)).sort();
    const found = await Promise.all(
      paths.filter((file) => this.#checkName(file, entry))
        .map((file) => this.#readLocal(file, entry, origin)),
    );
    return found.flat();
  }

  async #pathsOf(origin: Origin): Promise<readonly string[]> {
    const { source, signal } = this.#options;
    if (origin.kind === "nowhere") return [];
    return origin.kind === "own"
      ? source.files()
      : listed(await source.filesOf(origin.project, { signal }));
  }

  async #readLocal(
    path: string,
    entry: IncludeEntry,
    origin: Origin,
  ): Promise<readonly FoundFile[]> {
    const inProject = path.replace(/^\/+/, "");
    switch (origin.kind) {
      case "nowhere":
        return this.#fail(`Local file \`${path}\` does not have project!`, entry.node);
      case "project":
        return await this.#fetch({ kind: "project", ...origin.project, path: inProject }, entry);
      case "own": {
        // Git knows no `./a.yml`, so neither does GitLab, whatever a file system makes of it.
        const text = isInGit(inProject) ? await this.#options.source.read(inProject) : undefined;
        if (text === undefined) {
          return this.#fail(`Local file \`${path}\` does not exist!`, entry.node);
        }
        return isEmpty(text)
          ? this.#fail(`Local file \`${path}\` is empty!`, entry.node)
          : [{ text, location: inProject, from: origin, component: undefined }];
      }
    }
  }

  async #fetch(target: FileElsewhere, entry: IncludeEntry): Promise<readonly FoundFile[]> {
    const { source, signal } = this.#options;
    if (!this.#checkTarget(target, entry)) return [];
    const file = await source.fetch(target, { signal });
    if (file.kind === "missing") return this.#fail(file.message, entry.node);
    const { text, project, component } = file;
    if (isEmpty(text)) return this.#fail(emptyMessage(target), entry.node);
    if (entry.integrity !== undefined && !matchesIntegrity(text, entry.integrity)) {
      const message = `Remote file \`${locationOf(target)}\` does not match its integrity ` +
        `${entry.integrity}`;
      return this.#fail(message, entry.node);
    }
    const from: Origin = project === undefined ? { kind: "nowhere" } : { kind: "project", project };
    return [{ text, location: locationOf(target), from, component }];
  }

  #checkTarget(target: FileElsewhere, entry: IncludeEntry): boolean {
    switch (target.kind) {
      case "project":
        return this.#checkName(target.path, entry);
      case "remote":
        if (URL.canParse(target.url) && /^https?:\/\//.test(target.url)) return true;
        this.#fail(`Remote file \`${target.url}\` does not have a valid address!`, entry.node);
        return false;
      case "template":
        if (target.name.endsWith(".gitlab-ci.yml")) return true;
        this.#fail(`Template file \`${target.name}\` is not a valid location!`, entry.node);
        return false;
      case "component":
        return true;
    }
  }

  #checkName(path: string, { node }: IncludeEntry): boolean {
    if (/[^/]\.ya?ml$/i.test(path)) return true;
    this.#fail(`Included file \`${path}\` does not have YAML extension!`, node);
    return false;
  }

  #fail(message: string, node: YamlNode): readonly [] {
    this.#options.problems.add(message, placeOf(node));
    return [];
  }
}

function isInGit(path: string): boolean {
  return path.split("/").every((part) => !["", ".", ".."].includes(part));
}

function isEmpty(text: string): boolean {
  return text.trim() === "";
}

function emptyMessage(target: FileElsewhere): string {
  switch (target.kind) {
    case "project":
      return `Project \`${target.project}\` file \`${target.path}\` is empty!`;
    case "remote":
      return `Remote file \`${target.url}\` is empty!`;
    case "template":
      return `Included file \`${target.name}\` is empty or does not exist!`;
    case "component":
      return `Component \`${target.address}\` is empty!`;
  }
}

function listed(files: FileList): readonly string[] {
  return typeof files === "string" ? [] : files;
}
