/** The pipeline that a trigger job starts here: read and composed for its parent's event. */

import { mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { join, resolve, sep } from "node:path";
import { extractArchive } from "../archive/extract.ts";
import { expand } from "../job/expand.ts";
import type { CiTrigger } from "../pipeline/ci_config.ts";
import { CiConfigError, type CiProblem } from "../pipeline/place.ts";
import type {
  Pipeline,
  PipelineFacts,
  PipelineJob,
  PipelineVariable,
} from "../pipeline/pipeline.ts";
import { readConfigText } from "../pipeline/read_config.ts";
import { EVERYTHING, jobNames, select, type Selection } from "../pipeline/select.ts";
import { SourceText } from "../pipeline/yaml/source_text.ts";
import { composeFetching } from "./compose_fetching.ts";
import { namingMissing } from "./credentials.ts";
import { includeVariables, type LocalPlan } from "./local_plan.ts";

export interface ChildPlan {
  readonly facts: PipelineFacts;
  readonly pipeline: Pipeline;
  readonly selection: Selection;
}

export interface ChildOptions {
  readonly job: PipelineJob;
  readonly trigger: CiTrigger;
  readonly plan: LocalPlan;
  /** Of the pipeline that the trigger job is in. */
  readonly parent: PipelineFacts;
  readonly id: number;
  /** Of the trigger job; undefined: nobody knows. */
  readonly jobId: number | undefined;
  /** What a server tells of it on top of what its parent says. */
  readonly told?: (facts: PipelineFacts) => PipelineFacts;
  /** The archive of an earlier job's artifacts; undefined: it has none. */
  readonly archiveOf: (job: string) => string | undefined;
  /** To extract into. */
  readonly directory: string;
  readonly signal: AbortSignal;
}

/** Throws CiConfigError for a file that GitLab would refuse. */
export async function planChild(options: ChildOptions): Promise<ChildPlan> {
  const { plan, signal } = options;
  const derived = childFacts(options);
  const facts = options.told?.(derived) ?? derived;
  const root = await rootText(options);
  const config = await readConfigText(root, plan.files, {
    file: root.file,
    variables: includeVariables(facts),
    inputs: {},
    signal,
  });
  const pipeline = await composeFetching(config, facts, { source: plan.files, signal });
  if (pipeline.refusal !== undefined) refuse(pipeline.refusal, options);
  const names = jobNames(pipeline);
  const manual = plan.manual.filter((name) => names.has(name));
  return {
    facts,
    pipeline,
    selection: namingMissing(select(pipeline, { ...EVERYTHING, manual }), plan.credentials),
  };
}

function childFacts({ job, trigger, parent, id, jobId }: ChildOptions): PipelineFacts {
  const forwarded = {
    ...(trigger.forward.yamlVariables ? yamlVariables(job) : {}),
    ...(trigger.forward.pipelineVariables ? parent.pipeline : {}),
  };
  const source = "parent_pipeline";
  return {
    ...parent,
    source,
    predefined: {
      ...parent.predefined,
      CI_PIPELINE_SOURCE: source,
      CI_PIPELINE_ID: String(id),
      CI_PIPELINE_IID: String(id),
      CI_PIPELINE_URL: `${parent.predefined["CI_PROJECT_URL"] ?? ""}/-/pipelines/${id}`,
      ...(jobId === undefined ? {} : { CI_UPSTREAM_JOB_ID: String(jobId) }),
      CI_UPSTREAM_PIPELINE_ID: parent.predefined["CI_PIPELINE_ID"] ?? "",
      CI_UPSTREAM_PROJECT_ID: parent.predefined["CI_PROJECT_ID"] ?? "",
    },
    pipeline: forwarded,
  };
}

/** Those of the configuration, with the values they have in the trigger job. */
function yamlVariables(job: PipelineJob): Readonly<Record<string, PipelineVariable>> {
  const valueOf = (name: string) => job.variables.findLast(({ key }) => key === name)?.value ?? "";
  const own = job.variables.filter(({ origin }) =>
    origin !== "predefined" && origin !== "project" && origin !== "pipeline"
  );
  return Object.fromEntries(own.map(({ key, value, expand: expands, masked, file }) => [
    key,
    { value: expands ? expand(value, valueOf) : value, expand: expands, masked, file },
  ]));
}

/** A file that includes what the trigger includes: any file, at any place, may be a child's. */
async function rootText(options: ChildOptions): Promise<SourceText> {
  const { job, trigger } = options;
  const file = `${job.name}:trigger`;
  const includes = await Promise.all((trigger.include ?? []).map(async (one) => {
    if (one.kind === "include") return withInputs(one.include, trigger.inputs);
    return await artifactText(one, options);
  }));
  const texts = includes.filter((each) => each instanceof SourceText);
  const [only] = texts;
  if (only !== undefined && includes.length === 1) return only;
  if (texts.length > 0) {
    refuse("a file of artifacts cannot be included together with others here", options);
  }
  return new SourceText(file, JSON.stringify({ include: includes }));
}

function withInputs(include: unknown, inputs: Readonly<Record<string, unknown>>): unknown {
  if (Object.keys(inputs).length === 0) return include;
  if (typeof include === "string") {
    return /^https?:/.test(include) ? { remote: include, inputs } : { local: include, inputs };
  }
  if (typeof include !== "object" || include === null) return include;
  return {
    ...include,
    inputs: { ...inputs, ...("inputs" in include ? toRecord(include.inputs) : {}) },
  };
}

function toRecord(value: unknown): object {
  return typeof value === "object" && value !== null ? value : {};
}

async function artifactText(
  { job: name, path }: { readonly job: string; readonly path: string },
  options: ChildOptions,
): Promise<SourceText> {
  const archive = options.archiveOf(name);
  if (archive === undefined) return refuse(`"${name}" has no artifacts to include from`, options);
  const directory = mkdtempSync(join(options.directory, "child-"));
  try {
    const { signal } = options;
    await extractArchive({ archive, destination: directory, onProblem: () => {}, signal });
    // The job may have put a link there that leads to a file of this machine.
    const full = realpathSync(resolve(directory, path));
    if (!full.startsWith(`${realpathSync(directory)}${sep}`)) {
      refuse(`"${path}" is no path of artifacts`, options);
    }
    return new SourceText(`${name}:${path}`, readFileSync(full, "utf8"));
  } catch (error) {
    if (error instanceof CiConfigError) throw error;
    return refuse(`"${path}" is not in the artifacts of "${name}"`, options);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function refuse(message: string, { job }: ChildOptions): never {
  const problem: CiProblem = { message: `${job.name}: ${message}`, place: job.config.place };
  throw new CiConfigError([problem]);
}
