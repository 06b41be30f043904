/** `only` and `except`. */

import type { CiRefPolicy } from "../ci_config.ts";
import { patternOf } from "../regex/pattern.ts";
import { child, isString } from "../yaml/node.ts";
import { type Entry, type MappingEntry, strings } from "./entry.ts";

const MAX_CHANGES = 50;

export function readPolicy(entry: Entry): CiRefPolicy | undefined {
  if (entry.node.kind === "sequence") {
    const refs = readRefs(entry);
    return refs && { refs, variables: undefined, changes: undefined, kubernetes: undefined };
  }
  if (!entry.isMapping()) {
    return entry.report("has to be either an array of conditions or a hash");
  }
  if (entry.node.entries.size === 0) return entry.report("config can't be blank");
  entry.checkKeys(["refs", "kubernetes", "variables", "changes"]);
  const refs = entry.at("refs");
  return {
    refs: refs === undefined ? undefined : readRefs(entry.with(refs.node)),
    variables: readExpressions(entry),
    changes: readChanges(entry),
    kubernetes: readKubernetes(entry),
  };
}

function readRefs(entry: Entry): readonly string[] | undefined {
  const refs = strings(entry.node);
  return refs?.every(isRef) === true
    ? refs
    : entry.report("config should be an array of strings or regular expressions using re2 syntax");
}

/** A name, or a regular expression that GitLab takes. */
function isRef(ref: string): boolean {
  return !/^\/.*\/[a-z]*$/s.test(ref) || patternOf(ref) !== undefined;
}

function readExpressions(entry: MappingEntry): readonly string[] | undefined {
  const node = child(entry.node, "variables");
  if (node === undefined) return undefined;
  const expressions = strings(node);
  if (expressions === undefined) {
    return entry.reportKey("variables", "should be an array of strings");
  }
  return expressions.every(entry.context.isExpression)
    ? expressions
    : entry.reportKey("variables", "invalid expression syntax");
}

function readChanges(entry: MappingEntry): readonly string[] | undefined {
  const node = child(entry.node, "changes");
  if (node === undefined) return undefined;
  const paths = strings(node);
  if (paths === undefined) return entry.reportKey("changes", "should be an array of strings");
  return paths.length > MAX_CHANGES
    ? entry.reportKey("changes", `is too long (maximum is ${MAX_CHANGES} characters)`)
    : paths;
}

function readKubernetes(entry: MappingEntry): "active" | undefined {
  const node = child(entry.node, "kubernetes");
  if (node === undefined) return undefined;
  if (isString(node) && node.value === "active") return "active";
  const written = node.kind === "scalar" ? node.text : node.kind;
  return entry.below("kubernetes", node).report(`unknown value: ${written}`);
}
