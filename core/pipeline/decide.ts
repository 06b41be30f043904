/** Decides whether a job is part of a pipeline, and what its rules change about it. */

import type { CiAllowFailure, CiJob, CiNeed, CiRule, CiVariables, CiWhen } from "./ci_config.ts";
import { parseCiDuration } from "./duration.ts";
import type { Place } from "./place.ts";
import { leftOutBy } from "./rules/ref_policy.ts";
import { matchRule } from "./rules/match_rule.ts";
import type { RuleContext } from "./rules/rule_context.ts";

export type Decision =
  | {
    readonly kind: "in";
    readonly when: Exclude<CiWhen, "never">;
    readonly startInMs: number;
    readonly allowFailure: CiAllowFailure;
    readonly interruptible: boolean;
    readonly needs: readonly CiNeed[] | undefined;
    /** Of the rule that matched. */
    readonly variables: CiVariables;
  }
  | { readonly kind: "out"; readonly message: string }
  | { readonly kind: "broken"; readonly message: string; readonly place: Place };

export function decide(
  job: CiJob,
  name: string,
  context: RuleContext,
): Decision {
  if (job.rules === undefined) {
    const reason = leftOutBy(job, context);
    return reason === undefined ? included(job, undefined) : { kind: "out", message: reason };
  }
  const match = matchRule(job.rules, context);
  switch (match.kind) {
    case "broken":
      return {
        kind: "broken",
        message: `Failed to parse rule for ${name}: ${match.message}`,
        place: match.rule.place,
      };
    case "none":
      return { kind: "out", message: "none of its rules fits" };
    case "rule":
      return included(job, match.rule);
  }
}

function included(job: CiJob, rule: CiRule | undefined): Decision {
  const when = rule?.when ?? job.when ?? "on_success";
  if (when === "never") {
    const { file, line } = rule?.place ?? job.place;
    return { kind: "out", message: `the rule at ${file}:${line} says when: never` };
  }
  const startIn = rule?.startIn ?? job.startIn;
  return {
    kind: "in",
    when,
    startInMs: when === "delayed" ? (parseCiDuration(startIn ?? "") ?? 0) * 1000 : 0,
    // Only `when: manual` of the job itself makes a failure allowed: a manual rule blocks.
    allowFailure: rule?.allowFailure ?? job.allowFailure ?? job.when === "manual",
    interruptible: rule?.interruptible ?? job.interruptible,
    // An empty list in a rule changes nothing, other than an empty list of the job.
    needs: rule?.needs !== undefined && rule.needs.length > 0 ? rule.needs : job.needs,
    variables: rule?.variables ?? {},
  };
}
