/** `inputs` of a job: what its scripts may refer to as `${{ job.inputs.name }}`. */

import type { CiJob } from "../ci_config.ts";
import { regexOf } from "../regex/pattern.ts";
import { child, isString, type Plain, toPlain, type YamlNode } from "../yaml/node.ts";
import { mappingsOf } from "./credentials.ts";
import { Entry, type MappingEntry } from "./entry.ts";

const INPUT_KEYS = ["type", "description", "options", "regex", "default"];
const TYPES: Readonly<Record<string, (value: Plain) => boolean>> = {
  string: (value) => typeof value === "string",
  number: (value) => typeof value === "number",
  boolean: (value) => typeof value === "boolean",
  array: (value) => Array.isArray(value),
};

/** Their values: the defaults, for nobody but the server's run form gives others. */
export function readJobInputs(entry: Entry): CiJob["inputs"] {
  const values: [string, Plain][] = [];
  for (const input of mappingsOf(entry)) {
    input.entry.checkKeys(INPUT_KEYS);
    const value = child(input.entry.node, "default");
    if (value === undefined) {
      input.entry.report("must have a default value");
      continue;
    }
    const type = child(input.entry.node, "type");
    const name = isString(type) ? type.value : "string";
    if (TYPES[name] === undefined) {
      input.entry.report(`type unknown value: ${name}`, type);
    } else {
      const why = whyNot(input.entry, { type: name, value });
      if (why !== undefined) {
        const job = entry.name.split(":").slice(0, -1).join(":");
        new Entry(value, job, entry.context).report(`inputs \`${input.key}\`: ${why}`);
      }
    }
    values.push([input.key, toPlain(value)]);
  }
  return Object.fromEntries(values);
}

/** In GitLab's words. */
function whyNot(
  { node }: MappingEntry,
  { type, value }: { readonly type: string; readonly value: YamlNode },
): string | undefined {
  const plain = toPlain(value);
  if (TYPES[type]?.(plain) !== true) {
    return `default value is not ${type === "array" ? "an" : "a"} ${type}`;
  }
  const options = child(node, "options");
  if (options !== undefined && type !== "string" && type !== "number") {
    return "Options can only be used with string and number inputs";
  }
  if (options?.kind === "sequence" && !options.items.map(toPlain).includes(plain)) {
    return `\`${String(plain)}\` cannot be used because it is not in the list of allowed options`;
  }
  const regex = child(node, "regex");
  if (regex === undefined) return undefined;
  if (type !== "string") return "RegEx validation can only be used with string inputs";
  if (!isString(regex)) return undefined;
  const pattern = regexOf(regex.value);
  if (pattern === undefined) return "invalid regular expression";
  return pattern.test(String(plain))
    ? undefined
    : "default value does not match required RegEx pattern";
}
