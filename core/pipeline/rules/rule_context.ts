/** What rules of one job, or of the workflow, see. */

import type { PipelineFacts, PipelineJobVariable } from "../pipeline.ts";
import { expandForGitLab, lastOf } from "../variables/nested.ts";
import { expandName } from "../variables/references.ts";
import type { PathFacts } from "./path_facts.ts";

export class RuleContext {
  readonly facts: PipelineFacts;
  readonly paths: PathFacts;
  readonly #variables: readonly PipelineJobVariable[];
  #expanded: ((key: string) => string | undefined) | undefined;

  /** `variables` in rising precedence, without those that rules cannot see. */
  constructor(
    facts: PipelineFacts,
    paths: PathFacts,
    variables: readonly PipelineJobVariable[],
  ) {
    this.facts = facts;
    this.paths = paths;
    this.#variables = variables;
  }

  /** A variable's value as written: expressions compare references, not what they refer to. */
  readonly valueOf = (name: string): string | undefined => lastOf(this.#variables, name)?.value;

  /** A path or ref with its variables expanded; what is not known stays. */
  expand(text: string): string {
    return expandName(text, (name) => {
      this.#expanded ??= expandForGitLab(this.#variables);
      return this.#expanded(name);
    });
  }
}
