/** Whether the rules of an `include` let its file in. */

import { compileGlob, matchesGlob } from "../../archive/glob.ts";
import type { CiRule } from "../ci_config.ts";
import type { CiSource, ProjectRef } from "../ci_source.ts";
import type { EvaluateExpression } from "../expression_port.ts";

export interface IncludeRuleFacts {
  readonly source: CiSource;
  /** Whose files `exists` looks at; undefined: the pipeline's own project. */
  readonly project: ProjectRef | undefined;
  readonly evaluate: EvaluateExpression;
  readonly variable: (name: string) => string | undefined;
  readonly signal: AbortSignal;
}

/** The first rule that holds decides; none holding leaves the file out. */
export async function lets(rules: readonly CiRule[], facts: IncludeRuleFacts): Promise<boolean> {
  for (const rule of rules) {
    if (await holds(rule, facts)) return rule.when !== "never";
  }
  return false;
}

async function holds(rule: CiRule, facts: IncludeRuleFacts): Promise<boolean> {
  if (rule.if !== undefined && !facts.evaluate(rule.if, facts.variable)) return false;
  if (rule.changes !== undefined) {
    const changed = facts.source.changedFiles(rule.changes.compareTo);
    if (changed !== undefined && !anyMatches(rule.changes.paths, changed)) return false;
  }
  return rule.exists === undefined || await exists(rule.exists, facts);
}

async function exists(
  { paths, project, ref }: NonNullable<CiRule["exists"]>,
  { source, project: own, signal }: IncludeRuleFacts,
): Promise<boolean> {
  const where = project === undefined ? own : { project, ref };
  const files = where === undefined ? source.files() : await source.filesOf(where, { signal });
  return anyMatches(paths, files);
}

function anyMatches(patterns: readonly string[], files: readonly string[]): boolean {
  const globs = patterns.map((pattern) => compileGlob(pattern.replace(/^\//, "")));
  return files.some((file) => globs.some((glob) => matchesGlob(glob, file)));
}
