/** A file's header and its content, which are the documents of its text. */

import type { Problems } from "../problems.ts";
import { isNull, mapping, placeOf, type YamlMapping, type YamlNode } from "../yaml/node.ts";
import { parseYaml } from "../yaml/parse.ts";
import type { SourceText } from "../yaml/source_text.ts";

const MAX_DOCUMENTS = 2;

export interface FileDocuments {
  /** With `spec`; undefined: the file has none. */
  readonly header: YamlMapping | undefined;
  readonly content: YamlMapping;
}

/** Undefined when the text is wrong; `problems` says how. */
export function readDocuments(source: SourceText, problems: Problems): FileDocuments | undefined {
  const documents = parseYaml(source, problems);
  if (documents === undefined) return undefined;
  const [first, second] = documents;
  if (first === undefined || documents.length > MAX_DOCUMENTS) {
    const message = first === undefined
      ? "Invalid configuration format"
      : "The parsed YAML has too many documents";
    problems.add(message, source.placeAt(0));
    return undefined;
  }
  const header = second !== undefined && isHeader(first) ? first : undefined;
  const content = contentOf(header === undefined ? first : second ?? first, problems);
  return content && { header, content };
}

function isHeader(node: YamlNode): node is YamlMapping {
  return node.kind === "mapping" && node.entries.has("spec");
}

function contentOf(node: YamlNode, problems: Problems): YamlMapping | undefined {
  if (node.kind === "mapping") return node;
  // A header alone is a file that adds nothing.
  if (isNull(node)) return mapping(node, new Map());
  problems.add("Invalid configuration format", placeOf(node));
  return undefined;
}
