/** Replaces `include` by what the included files say, down through the files that those include. */

import type { CiSource, FetchedFile, FileElsewhere, ProjectRef } from "../ci_source.ts";
import type { VariableLookup } from "../expression/evaluate.ts";
import { loadFile } from "../load_file.ts";
import type { Problems } from "../problems.ts";
import { deepMerge, mapping, placeOf, type YamlMapping, type YamlNode } from "../yaml/node.ts";
import { SourceText } from "../yaml/source_text.ts";
import { type IncludeEntry, locationOf, readIncludes } from "./include_entry.ts";
import { lets } from "./include_rules.ts";
import { matchesIntegrity } from "./integrity.ts";
import { includePattern } from "./path_pattern.ts";

/** GitLab's limit for one pipeline, whatever the nesting: what stops files that include themselves. */
const MAX_INCLUDES = 150;

export interface IncludeOptions {
  readonly source: CiSource;
  readonly problems: Problems;
  readonly isExpression: (text: string) => boolean;
  readonly variable: VariableLookup;
  readonly expand: (text: string) => string;
  readonly signal: AbortSignal;
}

/** A file that was found, and what its own includes are relative to. */
interface Found {
  readonly text: string;
  readonly location: string;
  readonly from: Origin;
  readonly component?: Extract<FetchedFile, { kind: "found" }>["component"];
}

/** Where the file stands that includes: `include:local` means a file beside it. */
type Origin =
  | { readonly kind: "own" }
  | { readonly kind: "project"; readonly project: ProjectRef }
  /** A remote file or a template: beside it there is nothing. */
  | { readonly kind: "nowhere" };

export class IncludeExpander {
  readonly #options: IncludeOptions;
  readonly #files: string[] = [];
  #included = 0;

  constructor(options: IncludeOptions) {
    this.#options = options;
  }

  /** Names of all files that were read, in the order they were met. */
  get files(): readonly string[] {
    return this.#files;
  }

  /** `content` with its includes merged below it: what stands in the file itself wins. */
  async expand(content: YamlMapping, origin: Origin = { kind: "own" }): Promise<YamlMapping> {
    const node = content.entries.get("include")?.value;
    if (node === undefined) return content;
    const own = mapping(
      content,
      new Map([...content.entries].filter(([key]) => key !== "include")),
    );
    const included = await Promise.all(
      readIncludes(node, this.#options).map((entry) => this.#include(entry, origin)),
    );
    const layers = [...included.flat(), own];
    return layers.reduce((under, over) => deepMerge(under, over));
  }

  async #include(entry: IncludeEntry, origin: Origin): Promise<readonly YamlMapping[]> {
    if (!await this.#isWanted(entry, origin)) return [];
    const found = await this.#find(entry, origin);
    const loaded = await Promise.all(found.map((file) => this.#load(file, entry)));
    return loaded.filter((content) => content !== undefined);
  }

  async #isWanted({ rules }: IncludeEntry, origin: Origin): Promise<boolean> {
    if (rules === undefined) return true;
    const project = origin.kind === "project" ? origin.project : undefined;
    return await lets(rules, { ...this.#options, project });
  }

  async #load(file: Found, entry: IncludeEntry): Promise<YamlMapping | undefined> {
    if (!this.#count(entry.node)) return undefined;
    this.#files.push(file.location);
    const content = loadFile(new SourceText(file.location, file.text), {
      ...this.#options,
      includedBy: entry.node,
      inputs: entry.inputs && { node: entry.inputs, typed: true },
      component: file.component,
    });
    return content === undefined ? undefined : await this.expand(content, file.from);
  }

  #count(node: YamlNode): boolean {
    this.#included++;
    if (this.#included <= MAX_INCLUDES) return true;
    // Once is enough: the file that is one too many is as good as any other.
    if (this.#included === MAX_INCLUDES + 1) {
      this.#fail(`Maximum of ${MAX_INCLUDES} nested includes are allowed!`, node);
    }
    return false;
  }

  async #find(entry: IncludeEntry, origin: Origin): Promise<readonly Found[]> {
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
      : await source.filesOf(origin.project, { signal });
  }

  async #readLocal(path: string, entry: IncludeEntry, origin: Origin): Promise<readonly Found[]> {
    const inProject = path.replace(/^\/+/, "");
    switch (origin.kind) {
      case "nowhere":
        return this.#fail(`Local file \`${path}\` does not have project!`, entry.node);
      case "project":
        return await this.#fetch({ kind: "project", ...origin.project, path: inProject }, entry);
      case "own": {
        const text = await this.#options.source.read(inProject);
        if (text === undefined) {
          return this.#fail(`Local file \`${path}\` does not exist!`, entry.node);
        }
        return isEmpty(text)
          ? this.#fail(`Local file \`${path}\` is empty!`, entry.node)
          : [{ text, location: inProject, from: origin }];
      }
    }
  }

  async #fetch(target: FileElsewhere, entry: IncludeEntry): Promise<readonly Found[]> {
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
    return [{ text, location: locationOf(target), from, ...(component && { component }) }];
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
