/** `inherit`: which defaults and which global variables a job takes over. */

import type { CiJob } from "../ci_config.ts";
import { type Entry, strings } from "./entry.ts";
import { SHARED_KEYS } from "./shared.ts";

export interface Inherit {
  /** All keywords of `default`, none, or these. */
  readonly defaults: boolean | readonly string[];
  readonly variables: CiJob["inheritVariables"];
}

export const INHERIT_ALL: Inherit = { defaults: true, variables: true };

export function readInherit(entry: Entry): Inherit {
  const inherit = entry.asMapping();
  if (inherit === undefined) return INHERIT_ALL;
  inherit.checkKeys(["default", "variables"]);
  const defaults = inherit.at("default");
  const variables = inherit.at("variables");
  return {
    defaults: defaults === undefined ? true : readDefaults(defaults),
    variables: variables === undefined ? true : readChoice(variables),
  };
}

function readDefaults(entry: Entry): boolean | readonly string[] {
  const choice = readChoice(entry);
  if (typeof choice === "boolean") return choice;
  const unknown = choice.filter((name) => !SHARED_KEYS.some((key) => key === name));
  if (unknown.length > 0) entry.report(`config contains unknown values: ${unknown.join(", ")}`);
  return choice;
}

function readChoice(entry: Entry): boolean | readonly string[] {
  const { node } = entry;
  if (node.kind === "scalar" && typeof node.value === "boolean") return node.value;
  if (node.kind !== "sequence") return entry.report("should be a bool or array of strings") ?? true;
  return strings(node) ?? entry.report("config should be an array of strings") ?? true;
}
