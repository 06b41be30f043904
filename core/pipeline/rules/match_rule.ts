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
    if (changed && (rule.exists === undefined || exists(rule.exists, context))) {
      return { kind: "rule", rule };
    }
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

/** Files of another project cannot be seen from here, so that the rule does not hold. */
function exists({ paths, project }: NonNullable<CiRule["exists"]>, context: RuleFacts): boolean {
  return project === undefined && context.paths.exists(paths.map((path) => context.expand(path)));
}
