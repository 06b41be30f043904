/** Reads a file's header and puts the values of its inputs into the rest of the file. */

import type { ComponentFacts } from "../ci_source.ts";
import type { VariableLookup } from "../expression/evaluate.ts";
import type { Problems } from "../problems.ts";
import { isNull, mapping, placeOf, scalar, type YamlMapping, type YamlNode } from "../yaml/node.ts";
import type { YamlEntry } from "../yaml/node.ts";
import { inputValues } from "./input_values.ts";
import { interpolate } from "./interpolate.ts";
import { readSpec } from "./spec.ts";

/** Values for a file's inputs. */
export interface GivenInputs {
  readonly node: YamlNode;
  /** False: all are text, as a command line gives them, and mean what their input asks for. */
  readonly typed: boolean;
}

export interface HeaderOptions {
  readonly problems: Problems;
  readonly inputs: GivenInputs | undefined;
  /** The `include` that asks for the file; undefined: it is the root file. */
  readonly includedBy: YamlNode | undefined;
  readonly component: ComponentFacts | undefined;
  readonly isExpression: (text: string) => boolean;
  readonly variable: VariableLookup;
}

/** `content` with every `$[[ … ]]` replaced; undefined when something is wrong with the inputs. */
export function applyHeader(
  header: YamlMapping | undefined,
  content: YamlMapping,
  options: HeaderOptions,
): YamlMapping | undefined {
  const { problems, inputs } = options;
  if (header === undefined) {
    if (inputs === undefined || isNull(inputs.node)) return content;
    problems.add(
      "Given inputs not defined in the `spec` section of the included configuration file",
      placeOf(inputs.node),
    );
    return undefined;
  }
  const spec = readSpec(header, options);
  if (spec === undefined) return undefined;
  const values = inputValues(spec.inputs, inputs, { ...options, header });
  if (values === undefined) return undefined;
  const known = mapping(
    header,
    new Map([
      ["inputs", entryOf(header, values)],
      ["component", entryOf(header, componentValues(header, spec.component, options))],
    ]),
  );
  return interpolate(content, { known, ...options });
}

function entryOf(at: YamlNode, value: YamlNode): YamlEntry {
  return { key: scalar(at, ""), value };
}

function componentValues(
  at: YamlNode,
  wanted: readonly string[],
  { component }: HeaderOptions,
): YamlMapping {
  const facts: Readonly<Record<string, string | undefined>> = { ...component };
  return mapping(
    at,
    new Map(wanted.map((key) => [key, entryOf(at, scalar(at, facts[key] ?? null))])),
  );
}
