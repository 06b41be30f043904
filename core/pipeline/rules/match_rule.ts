/** Finds the rule that decides about a job or a pipeline. */

import type { CiRule } from "../ci_config.ts";
import { holds } from "../expression/evaluate.ts";
import type { PathFacts } from "./path_facts.ts";
import type { RuleContext } from "./rule_context.ts";

/** What rules ask; the context of a job answers it, and so does that of an `include`. */
export type RuleFacts = Pick<RuleContext, "valueOf" | "expand"> & {
  readonly paths: Pick<PathFacts, "changed" | "exists">;
};

export type RuleMatch =
  | { readonly kind: "rule"; readonly rule: CiRule }
  | { readonly kind: "none" }
  /** GitLab makes no pipeline then. */
  | { readonly kind: "broken"; readonly rule: CiRule; readonly message: string };

/** The first rule of which every clause holds. Expressions are known to be well formed. */
export function matchRule(rules: readonly CiRule[], context: RuleFacts): RuleMatch {
  for (const rule of rules) {
    if (rule.if !== undefined && !holds(rule.if, context.valueOf)) continue;
    const changed = rule.changes === undefined || changes(rule.changes, context);
    if (changed === "unknown-ref") {
      return { kind: "broken", rule, message: "rules:changes:compare_to is not a valid ref" };
    }
    if (!changed) continue;
    const found = rule.exists === undefined || exists(rule.exists, context);
    if (typeof found === "string") return { kind: "broken", rule, message: found };
    if (found) return { kind: "rule", rule };
  }
  return { kind: "none" };
}

function changes(
  { paths, compareTo }: NonNullable<CiRule["changes"]>,
  context: RuleFacts,
): boolean | "unknown-ref" {
  return context.paths.changed(
    paths.map((path) => context.expand(path)),
    compareTo === undefined ? undefined : context.expand(compareTo),
  );
}

/** In GitLab's words why it cannot be said. */
function exists(
  { paths, project, ref }: NonNullable<CiRule["exists"]>,
  context: RuleFacts,
): boolean | string {
  const where = project === undefined ? undefined : {
    project: context.expand(project),
    ref: ref === undefined ? undefined : context.expand(ref),
  };
  const found = context.paths.exists(paths.map((path) => context.expand(path)), where);
  switch (found) {
    case "no-project":
      return `rules:exists:project \`${where?.project}\` not found or access denied`;
    case "no-ref":
      return `rules:exists:ref \`${where?.ref}\` is not a valid ref in project \`${where?.project}\``;
    default:
      return found;
  }
}
