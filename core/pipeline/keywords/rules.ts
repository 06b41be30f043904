/** `rules` of a job, of `workflow` and of `include`. */

import type { CiRule, CiWhen } from "../ci_config.ts";
import { child, isString, placeOf, type YamlNode } from "../yaml/node.ts";
import { readAutoCancel } from "./workflow.ts";
import { type Entry, type MappingEntry, strings } from "./entry.ts";
import { readNeeds } from "./needs.ts";
import { readVariables } from "./variables.ts";

const MAX_LEVELS = 10;
const MAX_PATHS = 50;
const WEEK_SECONDS = 7 * 24 * 3600;

/** Which rules they are: what a rule may say differs. */
export type RuleScope = "job" | "workflow" | "include";

const KEYS: Readonly<Record<RuleScope, readonly string[]>> = {
  job: [
    "if",
    "changes",
    "exists",
    "when",
    "start_in",
    "allow_failure",
    "variables",
    "needs",
    "interruptible",
  ],
  workflow: [
    "if",
    "changes",
    "exists",
    "when",
    "variables",
    "auto_cancel",
    // They mean nothing there, and GitLab takes them all the same.
    "start_in",
    "allow_failure",
    "needs",
  ],
  include: ["if", "changes", "exists", "when"],
};
const WHEN: Readonly<Record<RuleScope, readonly CiWhen[]>> = {
  job: ["on_success", "on_failure", "always", "never", "manual", "delayed"],
  workflow: ["always", "never"],
  include: ["always", "never"],
};

export function readRules(entry: Entry, scope: RuleScope): readonly CiRule[] {
  if (entry.node.kind !== "sequence") {
    entry.report("config should be a array");
    return [];
  }
  if (entry.node.items.length === 0) entry.report("config can't be blank");
  const rules: YamlNode[] = [];
  if (!flatten(entry.node.items, MAX_LEVELS, rules)) {
    entry.report(`config should be a nested array of hashes up to ${MAX_LEVELS} levels deep`);
    return [];
  }
  return rules.flatMap((node) => readRule(entry.with(node), scope) ?? []);
}

function flatten(items: readonly YamlNode[], levels: number, into: YamlNode[]): boolean {
  return items.every((item) => {
    if (item.kind === "sequence") return levels > 1 && flatten(item.items, levels - 1, into);
    into.push(item);
    return true;
  });
}

/** GitLab calls a rule `rules:rule` itself, but `rules:changes` what it holds. */
function readRule(list: Entry, scope: RuleScope): CiRule | undefined {
  const rule = list.below("rule", list.node);
  if (!rule.isMapping() || !list.isMapping()) return rule.report("config should be a hash");
  if (rule.node.entries.size === 0) return rule.report("config can't be blank");
  rule.checkKeys(KEYS[scope]);
  const when = readWhen(rule, scope);
  const variables = list.at("variables");
  const needs = list.at("needs");
  const autoCancel = list.at("auto_cancel");
  return {
    place: placeOf(rule.node),
    if: readIf(rule),
    changes: readChanges(list),
    exists: readExists(list),
    when,
    startIn: scope === "workflow" ? undefined : readStartIn(rule, when),
    allowFailure: rule.boolean("allow_failure"),
    variables: variables === undefined ? undefined : readVariables(variables, "rule"),
    needs: needs === undefined ? undefined : readNeeds(needs, "rule"),
    interruptible: rule.boolean("interruptible"),
    autoCancel: autoCancel === undefined ? undefined : readAutoCancel(autoCancel),
  };
}

function readIf(rule: MappingEntry): string | undefined {
  const node = child(rule.node, "if");
  if (node === undefined) return undefined;
  return isString(node) && rule.context.isExpression(node.value)
    ? node.value
    : rule.reportKey("if", "invalid expression syntax");
}

function readWhen(rule: MappingEntry, scope: RuleScope): CiWhen | undefined {
  const node = child(rule.node, "when");
  if (node === undefined) return undefined;
  const when = WHEN[scope].find((name) => isString(node) && node.value === name);
  const written = node.kind === "scalar" ? node.text : node.kind;
  return when ?? rule.reportKey("when", `unknown value: ${written}`);
}

function readStartIn(rule: MappingEntry, when: CiWhen | undefined): string | undefined {
  const node = child(rule.node, "start_in");
  if (when === "delayed") {
    return node === undefined
      ? rule.reportKey("start_in", "can't be blank")
      : rule.duration("start_in", { limitSeconds: WEEK_SECONDS });
  }
  return node === undefined
    ? undefined
    : rule.report("config contains disallowed keys: start_in", node);
}

function readChanges(list: MappingEntry): CiRule["changes"] {
  const entry = list.at("changes");
  if (entry === undefined) return undefined;
  if (entry.isMapping()) {
    entry.checkKeys(["paths", "compare_to"]);
    entry.checkRequired(["paths"]);
    return { paths: pathsAt(entry), compareTo: entry.string("compare_to") };
  }
  if (entry.node.kind !== "sequence") return entry.report("should be an array or a hash");
  return { paths: checkedPaths(entry, "config"), compareTo: undefined };
}

/** One path may be written as text. */
function readExists(list: MappingEntry): CiRule["exists"] {
  const entry = list.at("exists");
  if (entry === undefined) return undefined;
  if (entry.isMapping()) {
    entry.checkKeys(["paths", "project", "ref"]);
    entry.checkRequired(["paths"]);
    const project = entry.string("project");
    const ref = entry.string("ref");
    if (ref !== undefined && project === undefined) entry.checkRequired(["project"]);
    return { paths: pathsAt(entry), project, ref };
  }
  const here = { project: undefined, ref: undefined };
  if (isString(entry.node)) return { paths: [entry.node.value], ...here };
  if (entry.node.kind !== "sequence") {
    return entry.report("should be a string, an array of strings, or a hash");
  }
  return { paths: checkedPaths(entry, "config"), ...here };
}

function pathsAt(entry: MappingEntry): readonly string[] {
  const node = child(entry.node, "paths");
  return node === undefined ? [] : checkedPaths(entry.with(node), "paths");
}

/** `name` is what GitLab calls the list: an attribute of the clause, or the clause itself. */
function checkedPaths(entry: Entry, name: "config" | "paths"): readonly string[] {
  const paths = strings(entry.node);
  if (paths === undefined) return entry.report(`${name} should be an array of strings`) ?? [];
  if (paths.length > MAX_PATHS) {
    entry.report(`${name} has too many entries (maximum ${MAX_PATHS})`);
  }
  return paths;
}
