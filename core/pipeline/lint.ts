/** What GitLab warns of where a configuration is checked by hand, in its words, and not when it runs. */

import type { CiJob, CiRule, CiWorkflow } from "./ci_config.ts";
import type { CiWarning } from "./place.ts";

const READ_MORE = "https://docs.gitlab.com/ee/ci/jobs/job_troubleshooting.html" +
  "#job-may-allow-multiple-pipelines-to-run-for-a-single-action-warning";

/** Jobs that one push can run twice: for the branch, and for its merge request. */
export function lintWarnings(
  jobs: Iterable<CiJob>,
  { rules: ofWorkflow }: CiWorkflow,
): readonly CiWarning[] {
  if (ofWorkflow !== undefined) return [];
  return [...jobs].filter(({ rules }) => fitsEverything(rules?.at(-1))).map(({ name, place }) => ({
    message: `jobs:${name} may allow multiple pipelines to run for a single action due to ` +
      `\`rules:when\` clause with no \`workflow:rules\` - read more: ${READ_MORE}`,
    place,
    keyword: `jobs:${name}:rules:when`,
    job: name,
  }));
}

/** A rule that says when, and nothing else. */
function fitsEverything(rule: CiRule | undefined): boolean {
  if (rule?.when === undefined || rule.when === "never") return false;
  const { place: _place, when: _when, ...rest } = rule;
  return Object.values(rest).every((value) => value === undefined);
}
