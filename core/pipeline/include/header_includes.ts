/** `spec:include`: inputs that several files share, each file with nothing but `inputs`. */

import type { Problems } from "../problems.ts";
import {
  child,
  deepMerge,
  mapping,
  placeOf,
  type YamlMapping,
  type YamlNode,
} from "../yaml/node.ts";
import { SourceText } from "../yaml/source_text.ts";
import type { FoundFile } from "./find_files.ts";
import { readDocuments } from "./read_documents.ts";

export interface HeaderIncludeOptions {
  readonly problems: Problems;
  readonly isComponent: boolean;
  readonly find: (include: YamlNode) => Promise<readonly FoundFile[]>;
}

/** The header with the inputs of those files besides its own; no two may have one name. */
export async function withIncludedInputs(
  header: YamlMapping | undefined,
  { problems, isComponent, find }: HeaderIncludeOptions,
): Promise<YamlMapping | undefined> {
  const spec = header && child(header, "spec");
  if (header === undefined || spec?.kind !== "mapping") return header;
  const include = child(spec, "include");
  if (include === undefined) return header;
  const files = isComponent ? refuse(header, include, problems) : await find(include);
  const shared = files.flatMap((file) => readInputs(file, problems) ?? []);
  const own = mapping(spec, new Map([...spec.entries].filter(([key]) => key !== "include")));
  const parts = [...shared, own];
  checkUnique(parts, problems);
  const merged = parts.reduce((under, over) => deepMerge(under, over));
  const entries = new Map(header.entries);
  const key = entries.get("spec")?.key;
  return key === undefined ? header : mapping(header, entries.set("spec", { key, value: merged }));
}

function checkUnique(parts: readonly YamlMapping[], problems: Problems): void {
  const keys = parts.flatMap((part) => {
    const inputs = child(part, "inputs");
    return inputs?.kind === "mapping" ? [...inputs.entries.values()].map(({ key }) => key) : [];
  });
  const twice = keys.filter((key, at) => keys.findIndex(({ text }) => text === key.text) !== at);
  if (twice[0] === undefined) return;
  const names = [...new Set(twice.map(({ text }) => text))].join(", ");
  problems.add(
    `Duplicate input keys found: ${names}. ` +
      "Input keys must be unique across all included files and inline specifications.",
    placeOf(twice[0]),
  );
}

function refuse(header: YamlMapping, include: YamlNode, problems: Problems): readonly [] {
  problems.add(
    `Component \`${header.source.file}\` cannot use \`spec:include\`. ` +
      "This keyword is not supported in components",
    placeOf(include),
  );
  return [];
}

function readInputs({ location, text }: FoundFile, problems: Problems): YamlMapping | undefined {
  const content = readDocuments(new SourceText(location, text), problems)?.content;
  const unknown = [...content?.entries.values() ?? []].filter(({ key }) => key.text !== "inputs");
  if (unknown[0] === undefined) return content;
  const keys = unknown.map(({ key }) => `:${key.text}`).join(", ");
  const message = `Header include file \`${location}\` contains unknown keys: [${keys}]`;
  problems.add(message, placeOf(unknown[0].key));
  return undefined;
}
