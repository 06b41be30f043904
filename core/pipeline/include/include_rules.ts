/** Whether the rules of an `include` let its file in. */

import type { CiRule } from "../ci_config.ts";
import type { CiSource, ProjectRef } from "../ci_source.ts";
import type { VariableLookup } from "../expression/evaluate.ts";
import type { Problems } from "../problems.ts";
import { matchRule } from "../rules/match_rule.ts";
import { PathFacts } from "../rules/path_facts.ts";

export interface IncludeRuleFacts {
  readonly source: CiSource;
  readonly problems: Problems;
  /** Whose files `exists` looks at; undefined: the pipeline's own project. */
  readonly project: ProjectRef | undefined;
  readonly variable: VariableLookup;
  readonly expand: (text: string) => string;
  readonly signal: AbortSignal;
}

/** The first rule that holds decides; none holding leaves the file out. */
export async function lets(rules: readonly CiRule[], facts: IncludeRuleFacts): Promise<boolean> {
  for (const rule of rules) {
    const match = matchRule([rule], {
      valueOf: facts.variable,
      expand: facts.expand,
      paths: await pathsFor(rule, facts),
    });
    if (match.kind === "rule") return rule.when !== "never";
    if (match.kind === "broken") facts.problems.add(match.message, rule.place);
  }
  return false;
}

/** Files of another project are fetched first: here there is time to wait for them. */
async function pathsFor(
  { exists }: CiRule,
  { source, project: own, expand, signal }: IncludeRuleFacts,
): Promise<PathFacts> {
  const ref = exists?.ref === undefined ? undefined : expand(exists.ref);
  const where = exists?.project === undefined ? own : { project: expand(exists.project), ref };
  const fetched = exists === undefined || where === undefined
    ? undefined
    : await source.filesOf(where, { signal });
  return new PathFacts({
    changedFiles: (to) => source.changedFiles(to),
    files: () => typeof fetched === "object" ? fetched : own === undefined ? source.files() : [],
    filesOf: () => fetched,
  });
}
