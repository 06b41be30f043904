/** `--input K=V`: values without a type of their own. */

import type { GivenInputs } from "./apply_header.ts";
import { Problems } from "../problems.ts";
import { mapping, scalar, type YamlEntry, type YamlNode, type YamlScalar } from "../yaml/node.ts";
import { parseYaml } from "../yaml/parse.ts";
import { SourceText } from "../yaml/source_text.ts";

/** Undefined when there are none. Each value is a text until the header says what it should be. */
export function commandLineInputs(
  inputs: Readonly<Record<string, string>>,
): GivenInputs | undefined {
  const names = Object.keys(inputs);
  if (names.length === 0) return undefined;
  const source = new SourceText("--input", "");
  const at = { source, offset: 0, size: 1 };
  const entries = names.map((name): [string, YamlEntry] => [
    name,
    { key: scalar(at, name), value: scalar(at, inputs[name] ?? "") },
  ]);
  return { node: mapping(at, new Map(entries)), typed: false };
}

/** What a text of the command line is as YAML: `5` a number, `[a, b]` a list. */
export function valueOfText(node: YamlScalar): YamlNode {
  const source = new SourceText(node.source.file, node.text);
  return parseYaml(source, new Problems())?.[0] ?? node;
}
