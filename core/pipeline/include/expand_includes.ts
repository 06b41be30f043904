/** Reads a file with all that it includes, down through the files that those include. */

import type { CiSource, ComponentFacts } from "../ci_source.ts";
import type { VariableLookup } from "../expression/evaluate.ts";
import { applyHeader, type GivenInputs } from "../inputs/apply_header.ts";
import type { Problems } from "../problems.ts";
import { deepMerge, mapping, placeOf, type YamlMapping, type YamlNode } from "../yaml/node.ts";
import { MAX_NODES_IN_ALL, TOO_BIG } from "../yaml/size.ts";
import { SourceText } from "../yaml/source_text.ts";
import { FileFinder, type FoundFile, type Origin } from "./find_files.ts";
import { withIncludedInputs } from "./header_includes.ts";
import { type IncludeEntry, readIncludes } from "./include_entry.ts";
import { lets } from "./include_rules.ts";
import { readDocuments } from "./read_documents.ts";

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

export interface FileRequest {
  readonly inputs: GivenInputs | undefined;
  /** The `include` that asks for the file; undefined: it is the root file. */
  readonly includedBy: YamlNode | undefined;
  readonly component: ComponentFacts | undefined;
  readonly origin: Origin;
}

/** A file and everything that it includes, merged. */
export interface ExpandedFile {
  readonly content: YamlMapping;
  /** Names of all files in it, in the order in which they are written. */
  readonly files: readonly string[];
  /** False: nowhere in them is a `!reference`, so that none has to be looked for. */
  readonly mayRefer: boolean;
}

export class IncludeExpander {
  readonly #options: IncludeOptions;
  readonly #finder: FileFinder;
  #included = 0;
  #nodes = 0;

  constructor(options: IncludeOptions) {
    this.#options = options;
    this.#finder = new FileFinder(options);
  }

  /** Undefined when something is wrong with the file itself; `problems` says what. */
  async read(source: SourceText, request: FileRequest): Promise<ExpandedFile | undefined> {
    const documents = readDocuments(source, this.#options.problems);
    if (documents === undefined) return undefined;
    const header = await this.#expandHeader(documents.header, request);
    const content = applyHeader(header, documents.content, { ...this.#options, ...request });
    if (content === undefined || !this.#fits(content)) return undefined;
    const included = await this.#include(content.entries.get("include")?.value, request.origin);
    const own = mapping(
      content,
      new Map([...content.entries].filter(([key]) => key !== "include")),
    );
    return {
      // What stands in the file itself wins.
      content: [...included.map((file) => file.content), own].reduce((under, over) =>
        deepMerge(under, over)
      ),
      files: [source.file, ...included.flatMap(({ files }) => files)],
      mayRefer: source.text.includes("!reference") || included.some(({ mayRefer }) => mayRefer),
    };
  }

  async #expandHeader(
    header: YamlMapping | undefined,
    { component, origin }: FileRequest,
  ): Promise<YamlMapping | undefined> {
    return await withIncludedInputs(header, {
      ...this.#options,
      isComponent: component !== undefined,
      find: async (node) => {
        const found = await Promise.all(
          readIncludes(node, this.#options).map((entry) => this.#find(entry, origin)),
        );
        return found.flat();
      },
    });
  }

  async #include(node: YamlNode | undefined, origin: Origin): Promise<readonly ExpandedFile[]> {
    const entries = node === undefined ? [] : readIncludes(node, this.#options);
    const files = await Promise.all(entries.map(async (entry) => {
      const found = await this.#find(entry, origin);
      return await Promise.all(found.map((file) => this.#readIncluded(file, entry)));
    }));
    return files.flat().filter((file) => file !== undefined);
  }

  /** Nothing when the rules of the entry leave it out. */
  async #find(entry: IncludeEntry, origin: Origin): Promise<readonly FoundFile[]> {
    const project = origin.kind === "project" ? origin.project : undefined;
    const isWanted = entry.rules === undefined ||
      await lets(entry.rules, { ...this.#options, project });
    return isWanted ? await this.#finder.find(entry, origin) : [];
  }

  async #readIncluded(file: FoundFile, entry: IncludeEntry): Promise<ExpandedFile | undefined> {
    if (!this.#count(entry.node)) return undefined;
    return await this.read(new SourceText(file.location, file.text), {
      inputs: entry.inputs && { node: entry.inputs, typed: true },
      includedBy: entry.node,
      component: file.component,
      origin: file.from,
    });
  }

  #fits(content: YamlMapping): boolean {
    this.#nodes += content.size;
    if (this.#nodes <= MAX_NODES_IN_ALL) return true;
    this.#options.problems.add(TOO_BIG, placeOf(content));
    return false;
  }

  #count(node: YamlNode): boolean {
    this.#included++;
    if (this.#included <= MAX_INCLUDES) return true;
    // Once is enough: the file that is one too many is as good as any other.
    if (this.#included === MAX_INCLUDES + 1) {
      const message = `Maximum of ${MAX_INCLUDES} nested includes are allowed!`;
      this.#options.problems.add(message, placeOf(node));
    }
    return false;
  }
}
