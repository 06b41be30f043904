/** Makes the pipeline that one event gives rise to: a configuration and facts in, jobs out. Pure. */

import { checkJobs } from "./check_jobs.ts";
import type { CiConfig } from "./ci_config.ts";
import { composeJob, type IncludedJob } from "./compose_job.ts";
import { decide } from "./decide.ts";
import { type IndexedJob, JobIndex } from "./job_index.ts";
import { linkJobs } from "./link_jobs.ts";
import { conditionLimits, needLimits, workflowLimits } from "./local_limits.ts";
import type { Pipeline, PipelineFacts } from "./pipeline.ts";
import { CiConfigError, type CiProblem } from "./place.ts";
import { PathFacts } from "./rules/path_facts.ts";
import { RuleContext } from "./rules/rule_context.ts";
import { decideWorkflow } from "./rules/workflow.ts";
import { jobVariables, type SharedVariables, sharedVariables } from "./variables/job_variables.ts";
import { expandForRunner, VariableError } from "./variables/nested.ts";

const NO_JOBS = "Pipeline will not run for the selected trigger. " +
  "The rules configuration prevented any jobs from being added to the pipeline.";

/** What pipelines with a parent are made for. */
const CHILD = "parent_pipeline";

/** Stages that make no pipeline on their own. */
const EDGE_STAGES: ReadonlySet<string> = new Set([".pre", ".post"]);

/**
 * Throws {@link CiConfigError} for what GitLab refuses as invalid. That there is nothing to run is no
 * error: the pipeline's `refusal` says so, and `excluded` why.
 */
export function compose(config: CiConfig, facts: PipelineFacts): Pipeline {
  const index = new JobIndex(config);
  refuse(checkJobs(index));
  const paths = new PathFacts(facts);
  const workflow = decideWorkflow(config, facts, paths);
  if (workflow.kind === "broken") throw new CiConfigError([workflow.problem]);
  const warnings = [...config.warnings, ...workflowLimits(config), ...conditionLimits(config)];
  const pipeline = { stages: config.stages, jobs: [], excluded: [], warnings };
  if (workflow.kind === "out") {
    const { message } = workflow;
    const excluded = index.all.map(({ job, instance }) => ({ job, name: instance.name, message }));
    return { ...pipeline, name: undefined, refusal: message, endsOnFailure: false, excluded };
  }

  const shared = sharedVariables(facts, config.variables, workflow);
  const decided = index.all.map((indexed) => decideJob(indexed, facts, paths, shared));
  refuse(decided.flatMap((one) => one.kind === "broken" ? [one.problem] : []));
  const included = decided.flatMap((one) => one.kind === "in" ? [one.included] : [])
    .toSorted((a, b) => a.indexed.stageAt - b.indexed.stageAt);
  const links = linkJobs(included, index);
  refuse(links.problems);
  const isWhole = included.some(({ indexed }) => !EDGE_STAGES.has(indexed.job.stage));
  return {
    ...pipeline,
    name: workflow.name,
    endsOnFailure: workflow.endsOnFailure,
    refusal: isWhole ? undefined : NO_JOBS,
    jobs: isWhole ? included.map((one) => composeJob(one, links.of(one))) : [],
    excluded: [
      ...decided.flatMap((one) => one.kind === "out" ? [one.excluded] : []),
      ...(isWhole ? [] : included.map(({ indexed: { job, instance } }) => ({
        job,
        name: instance.name,
        message: NO_JOBS,
      }))),
    ],
    warnings: [
      ...warnings,
      ...links.warnings,
      ...(facts.source === CHILD
        ? []
        : [...new Set(included.map((one) => one.indexed.job))].flatMap(needLimits)),
    ],
  };
}

type Decided =
  | { readonly kind: "in"; readonly included: IncludedJob }
  | { readonly kind: "out"; readonly excluded: Pipeline["excluded"][number] }
  | { readonly kind: "broken"; readonly problem: CiProblem };

function decideJob(
  indexed: IndexedJob,
  facts: PipelineFacts,
  paths: PathFacts,
  shared: SharedVariables,
): Decided {
  const { job, instance } = indexed;
  const before = jobVariables(job, instance, shared, { when: job.when, rules: {} });
  const seen = [...shared.visible, ...before];
  const context = new RuleContext(facts, paths, seen);
  try {
    const decision = decide(job, instance.name, context);
    switch (decision.kind) {
      case "broken":
        return { kind: "broken", problem: decision };
      case "out":
        return {
          kind: "out",
          excluded: { job, name: instance.name, message: decision.message },
        };
      case "in": {
        const { when, variables: rules } = decision;
        const isSame = when === (job.when ?? "on_success") && Object.keys(rules).length === 0;
        const own = isSame ? before : jobVariables(job, instance, shared, { when, rules });
        const variables = [...shared.predefined, ...own];
        const included = {
          indexed,
          decision,
          variables,
          visible: isSame ? seen : [...shared.visible, ...own],
          expanded: expandForRunner(variables),
        };
        return { kind: "in", included };
      }
    }
  } catch (error) {
    if (!(error instanceof VariableError)) throw error;
    const message = `${instance.name}: ${error.message}`;
    return { kind: "broken", problem: { message, place: job.place } };
  }
}

function refuse(problems: readonly CiProblem[]): void {
  if (problems.length > 0) throw new CiConfigError(problems);
}
