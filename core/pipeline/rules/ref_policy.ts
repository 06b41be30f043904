/** `only` and `except`. */

import type { CiJob, CiRefPolicy } from "../ci_config.ts";
import { holds } from "../expression/evaluate.ts";
import type { PipelineFacts } from "../pipeline.ts";
import { patternOf } from "../regex/pattern.ts";
import type { RuleContext } from "./rule_context.ts";

/** What `only` takes where it names no refs. */
const DEFAULT_REFS: readonly string[] = ["branches", "tags"];

/** Plurals of sources that take more than an `s`. */
const PLURALS: Readonly<Record<string, string>> = { push: "pushes" };

/** Why `only` and `except` leave a job out; undefined: they do not. */
export function leftOutBy({ only, except }: CiJob, context: RuleContext): string | undefined {
  const refs = only?.refs ?? DEFAULT_REFS;
  const unmet = only && conditions({ ...only, refs }, context).find(({ met }) => !met);
  if (unmet !== undefined) {
    return unmet.name === "refs"
      ? `runs only for ${refs.join(", ")}`
      : `only:${unmet.name} does not fit`;
  }
  const met = except && conditions(except, context).find((condition) => condition.met);
  return met && `except:${met.name} fits`;
}

interface Condition {
  readonly name: "refs" | "variables" | "changes" | "kubernetes";
  readonly met: boolean;
}

/** The conditions that are there. There is no cluster here, so that `kubernetes` is never met. */
function conditions(policy: CiRefPolicy, context: RuleContext): readonly Condition[] {
  const { refs, variables, changes, kubernetes } = policy;
  const found: Condition[] = [];
  if (refs !== undefined) {
    found.push({ name: "refs", met: refs.some((ref) => matchesRef(ref, context.facts)) });
  }
  if (kubernetes !== undefined) found.push({ name: "kubernetes", met: false });
  if (variables !== undefined) {
    found.push({ name: "variables", met: variables.some((text) => holds(text, context.valueOf)) });
  }
  if (changes !== undefined) {
    const met = context.paths.changed(changes.map((path) => context.expand(path)), undefined);
    found.push({ name: "changes", met: met !== false });
  }
  return found;
}

/** A keyword, a name or a pattern, each with `@group/project` behind it where it is meant for one. */
function matchesRef(written: string, facts: PipelineFacts): boolean {
  const at = written.indexOf("@");
  const ref = at < 0 ? written : written.slice(0, at);
  if (at >= 0 && written.slice(at + 1) !== facts.predefined.CI_PROJECT_PATH) return false;
  const source = facts.source.replace(/_event$/, "");
  const isBranch = !facts.isTag && !isMergeRequest(facts);
  if (ref === "tags" && facts.isTag) return true;
  if (ref === "branches" && isBranch) return true;
  if (ref === source || ref === (PLURALS[source] ?? `${source}s`)) return true;
  if (!isBranch && !facts.isTag) return false;
  const pattern = patternOf(ref);
  return pattern === undefined ? ref === facts.ref : facts.ref !== "" && pattern.test(facts.ref);
}

function isMergeRequest({ source, predefined }: PipelineFacts): boolean {
  return source === "merge_request_event" || predefined.CI_MERGE_REQUEST_IID !== undefined;
}
