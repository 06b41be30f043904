/** `variables` of the file, of a job, of a rule and of a service. */

import type { CiVariable, CiVariables } from "../ci_config.ts";
import { child, isInteger, isString, placeOf, type YamlNode } from "../yaml/node.ts";
import { type Entry, type MappingEntry, strings } from "./entry.ts";

/** What a variable written as a mapping may say, besides its value. */
const DATA = {
  global: ["value", "description", "expand", "options"],
  job: ["value", "expand"],
  /** Only plain values. */
  rule: [],
} as const;

export function readVariables(entry: Entry, scope: keyof typeof DATA): CiVariables {
  if (!entry.isMapping()) {
    entry.report("config should be a hash of key value pairs");
    return {};
  }
  return Object.fromEntries(
    [...entry.node.entries].flatMap(([key, { value }]) => {
      const variable = readVariable(entry.below(key, value), scope);
      return variable === undefined ? [] : [[key, variable]];
    }),
  );
}

function readVariable(entry: Entry, scope: keyof typeof DATA): CiVariable | undefined {
  if (!entry.isMapping()) {
    const value = scalarText(entry.node);
    if (value !== undefined) return { value, expand: true };
    const sentence = "variable definition must be either a string or a hash";
    entry.context.problems.add(sentence, placeOf(entry.node));
    return undefined;
  }
  if (DATA[scope].length === 0) return entry.report("config must be a string");
  return readData(entry, DATA[scope]);
}

function readData(entry: MappingEntry, allowed: readonly string[]): CiVariable | undefined {
  const unknown = [...entry.node.entries.keys()].filter((key) => !allowed.includes(key));
  if (unknown.length > 0) entry.report(`config uses invalid data keys: ${unknown.join(", ")}`);
  const node = child(entry.node, "value");
  const value = node === undefined ? "" : scalarText(node);
  if (value === undefined) return entry.report("config value must be a scalar", node);
  const options = readOptions(entry);
  if (options?.includes(value) === false) {
    entry.report("config value must be present in options", node);
  }
  const description = readDescription(entry);
  return {
    value,
    expand: readExpand(entry) ?? true,
    ...(description === undefined ? {} : { description }),
    ...(options === undefined ? {} : { options }),
  };
}

/** GitLab names what a variable says of itself after its config, unlike the attributes of others. */
function readOptions(entry: MappingEntry): readonly string[] | undefined {
  const node = child(entry.node, "options");
  if (node === undefined) return undefined;
  return strings(node) ?? entry.report("config options should be an array of strings", node);
}

function readDescription(entry: MappingEntry): string | undefined {
  const node = child(entry.node, "description");
  if (node === undefined || isString(node)) return node?.value;
  return isInteger(node)
    ? node.text
    : entry.report("config description must be an alphanumeric string", node);
}

function readExpand(entry: MappingEntry): boolean | undefined {
  const node = child(entry.node, "expand");
  if (node === undefined) return undefined;
  return node.kind === "scalar" && typeof node.value === "boolean"
    ? node.value
    : entry.report("config expand should be a boolean value", node);
}

/** Any value that is no list or mapping; null is the empty text. */
function scalarText(node: YamlNode): string | undefined {
  return node.kind === "scalar" ? node.text : undefined;
}

/** Text and numbers. */
function alphanumeric(node: YamlNode): string | undefined {
  return node.kind === "scalar" && node.value !== null && typeof node.value !== "boolean"
    ? node.text
    : undefined;
}

/** `variables` of `parallel:matrix`: one value or a list for each name. */
export function readProduct(entry: Entry): Readonly<Record<string, readonly string[]>> | undefined {
  const product = entry.asMapping();
  if (product === undefined) return undefined;
  if (product.node.entries.size === 0) return entry.report("config requires at least 1 items");
  const values: [string, readonly string[]][] = [];
  for (const [key, { value }] of product.node.entries) {
    const items = value.kind === "sequence" ? value.items : [value];
    const texts = items.flatMap((item) => alphanumeric(item) ?? []);
    if (texts.length === 0 || texts.length !== items.length) {
      return entry.report(
        "config should be a hash of key value pairs, value can be an array",
        value,
      );
    }
    values.push([key, texts]);
  }
  return Object.fromEntries(values);
}
