/** The configuration that a merged file stands for: every keyword checked and in its closed shape. */

import type { CiConfig, CiJob } from "./ci_config.ts";
import { Entry, type MappingEntry } from "./keywords/entry.ts";
import { type JobSurroundings, readJob } from "./keywords/job.ts";
import { collectStrings } from "./keywords/script.ts";

import { readDefaults, TOP_LEVEL_DEFAULTS } from "./keywords/defaults.ts";
import { readVariables } from "./keywords/variables.ts";
import { readWorkflow } from "./keywords/workflow.ts";
import { previewOf } from "./preview.ts";
import { lintWarnings } from "./lint.ts";
import type { Problems } from "./problems.ts";
import { placeOf, type YamlMapping } from "./yaml/node.ts";

const EDGES = [".pre", ".post"];
const DEFAULT_STAGES = ["build", "test", "deploy"];
const GLOBAL_KEYS = new Set([
  ...TOP_LEVEL_DEFAULTS,
  "default",
  "include",
  "stages",
  "variables",
  "workflow",
]);

export interface BuildOptions {
  readonly problems: Problems;
  readonly isExpression: (text: string) => boolean;
}

/** Throws {@link ./place.ts CiConfigError} with everything that is wrong. */
export function buildConfig(
  root: YamlMapping,
  files: readonly string[],
  { problems, isExpression }: BuildOptions,
): CiConfig {
  const entry = new Entry(root, "", { problems, isExpression });
  const workflow = entry.at("workflow");
  const stages = entry.at("stages");
  const variables = entry.at("variables");
  const defaults = readDefaults(entry);
  const declared = workflow === undefined ? undefined : readWorkflow(workflow);
  const around: JobSurroundings = {
    defaults: defaults.values,
    workflowHasRules: declared?.rules !== undefined,
  };
  const names = stages === undefined ? DEFAULT_STAGES : readStages(stages);
  const config = {
    stages: [".pre", ...(names ?? []).filter((name) => !EDGES.includes(name)), ".post"],
    variables: variables === undefined ? {} : readVariables(variables, "global"),
    workflow: declared ?? { name: undefined, rules: undefined, autoCancel: undefined },
    jobs: readJobs(entry, around),
    files,
  };
  if (names !== undefined) checkStages(config.jobs, config.stages, entry);
  problems.throwIfAny();
  return {
    ...config,
    warnings: problems.warnings,
    lint: lintWarnings(config.jobs.values(), config.workflow),
    get preview() {
      return previewOf(root, defaults.node);
    },
  };
}

function readStages(entry: Entry): readonly string[] | undefined {
  const names: string[] = [];
  if (entry.node.kind !== "sequence" || !collectStrings(entry.node, 10, names)) {
    return entry.report(
      "config should be an array of strings or a nested array of strings up to 10 levels deep",
    );
  }
  return [...new Set(names)];
}

function readJobs(root: MappingEntry, around: JobSurroundings): ReadonlyMap<string, CiJob> {
  const jobs = new Map<string, CiJob>();
  const { problems } = root.context;
  let visible = 0;
  for (const [name, { key, value }] of root.node.entries) {
    if (GLOBAL_KEYS.has(name) || name.startsWith(".")) continue;
    visible++;
    if (name === "") problems.add("jobs:job name can't be blank", placeOf(key));
    if (typeof key.value !== "string") {
      problems.add(`jobs:${name} name should be a symbol`.toLowerCase(), placeOf(key));
    }
    if (value.kind !== "mapping" || !isJob(value)) {
      const sentence = "config should implement the script:, run:, or trigger: keyword";
      problems.add(`jobs ${name} ${sentence}`.toLowerCase(), placeOf(key));
      continue;
    }
    const entry = root.below(`jobs:${name}`, value);
    jobs.set(name, readJob(name, placeOf(key), entry, around));
  }
  if (visible === 0) {
    problems.add("jobs config should contain at least one visible job", placeOf(root.node));
  }
  return jobs;
}

function isJob({ entries }: YamlMapping): boolean {
  return ["script", "run", "trigger", "needs"].some((key) => entries.has(key));
}

function checkStages(
  jobs: ReadonlyMap<string, CiJob>,
  stages: readonly string[],
  { node, context: { problems } }: MappingEntry,
): void {
  const known = new Set(stages);
  for (const { name, stage } of jobs.values()) {
    if (known.has(stage)) continue;
    const job = node.entries.get(name);
    const written = job?.value.kind === "mapping" ? job.value.entries.get("stage") : undefined;
    const at = written?.value ?? job?.key;
    problems.add(
      `${name} job: chosen stage ${stage} does not exist; available stages are ${
        stages.join(", ")
      }`,
      at === undefined ? undefined : placeOf(at),
    );
  }
}
