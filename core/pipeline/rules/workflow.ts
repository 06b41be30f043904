/** `workflow`: whether there is a pipeline at all, and what it is called. */

import type { CiConfig, CiVariables } from "../ci_config.ts";
import type { PipelineFacts } from "../pipeline.ts";
import type { CiProblem } from "../place.ts";
import { sharedVariables, workflowVariables } from "../variables/job_variables.ts";
import { expandForGitLab, VariableError } from "../variables/nested.ts";
import { expandName } from "../variables/references.ts";
import { matchRule } from "./match_rule.ts";
import type { PathFacts } from "./path_facts.ts";
import { RuleContext } from "./rule_context.ts";

/** What a workflow is before its rules are looked at. */
const UNNAMED = { name: undefined, variables: {} };
const FILTERED = "Pipeline filtered out by workflow rules.";

export type WorkflowDecision =
  | {
    readonly kind: "in";
    readonly name: string | undefined;
    readonly variables: CiVariables;
    /** `on_job_failure: all`, of the rule or else of the workflow. */
    readonly endsOnFailure: boolean;
  }
  | { readonly kind: "out"; readonly message: string }
  | { readonly kind: "broken"; readonly problem: CiProblem };

export function decideWorkflow(
  { workflow, variables }: CiConfig,
  facts: PipelineFacts,
  paths: PathFacts,
): WorkflowDecision {
  const before = workflowVariables(sharedVariables(facts, variables, UNNAMED));
  const match = workflow.rules === undefined
    ? undefined
    : matchRule(workflow.rules, new RuleContext(facts, paths, before));
  if (match?.kind === "broken") {
    const message = `Failed to parse rule for workflow: ${match.message}`;
    return { kind: "broken", problem: { message, place: match.rule.place } };
  }
  if (match?.kind === "none" || match?.rule.when === "never") {
    return { kind: "out", message: FILTERED };
  }
  const added = match?.rule.variables ?? {};
  try {
    const shared = sharedVariables(facts, variables, { ...UNNAMED, variables: added });
    const onFailure = match?.rule.autoCancel?.["on_job_failure"] ??
      workflow.autoCancel?.["on_job_failure"];
    return {
      kind: "in",
      name: nameOf(workflow.name, shared),
      variables: added,
      endsOnFailure: onFailure === "all",
    };
  } catch (error) {
    if (!(error instanceof VariableError)) throw error;
    return { kind: "broken", problem: { message: error.message, place: undefined } };
  }
}

/** Names that are blank once their variables are expanded are none. */
function nameOf(
  name: string | undefined,
  shared: ReturnType<typeof sharedVariables>,
): string | undefined {
  if (name === undefined) return undefined;
  const valueOf = expandForGitLab(workflowVariables(shared));
  const expanded = expandName(name, (key) => valueOf(key) ?? "").trim();
  return expanded === "" ? undefined : expanded;
}
