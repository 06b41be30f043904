/** The text of one file to the mapping it stands for, its header read and its inputs put in. */

import type { ComponentFacts } from "./ci_source.ts";
import { applyHeader } from "./inputs/apply_header.ts";
import type { VariableLookup } from "./expression/evaluate.ts";
import type { Problems } from "./problems.ts";
import { isNull, mapping, placeOf, type YamlMapping, type YamlNode } from "./yaml/node.ts";
import { parseYaml } from "./yaml/parse.ts";
import type { SourceText } from "./yaml/source_text.ts";

const MAX_DOCUMENTS = 2;

/** Values for a file's inputs. */
export interface GivenInputs {
  readonly node: YamlNode;
  /** False: all are text, as a command line gives them, and mean what their input asks for. */
  readonly typed: boolean;
}

export interface LoadOptions {
  readonly problems: Problems;
  readonly inputs: GivenInputs | undefined;
  /** The `include` that asks for the file; undefined: it is the root file. */
  readonly includedBy: YamlNode | undefined;
  readonly component: ComponentFacts | undefined;
  readonly isExpression: (text: string) => boolean;
  readonly variable: VariableLookup;
}

/** Undefined when something is wrong with the file; `problems` says what. */
export function loadFile(source: SourceText, options: LoadOptions): YamlMapping | undefined {
  const documents = parseYaml(source, options.problems);
  if (documents === undefined) return undefined;
  const [first, second] = documents;
  if (first === undefined) {
    options.problems.add("Invalid configuration format", source.placeAt(0));
    return undefined;
  }
  if (documents.length > MAX_DOCUMENTS) {
    options.problems.add("The parsed YAML has too many documents", source.placeAt(0));
    return undefined;
  }
  const header = documents.length > 1 && isHeader(first) ? first : undefined;
  const content = contentOf(header === undefined ? first : second ?? first, options.problems);
  return content === undefined ? undefined : applyHeader(header, content, options);
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
