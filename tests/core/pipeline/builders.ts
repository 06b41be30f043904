/** Short ways to say configurations and facts in tests: only what a test is about is written down. */

import type {
  CiConfig,
  CiEnvironment,
  CiImage,
  CiJob,
  CiNeed,
  CiRefPolicy,
  CiRule,
  CiTrigger,
  CiVariables,
} from "../../../core/pipeline/ci_config.ts";
import type { CiSource, FileList } from "../../../core/pipeline/ci_source.ts";
import type { Pipeline, PipelineFacts, PipelineVariable } from "../../../core/pipeline/pipeline.ts";
import { CiConfigError } from "../../../core/pipeline/place.ts";

export const PLACE = { file: ".gitlab-ci.yml", line: 1, column: 1 };

/** A need is a job's name, or what differs from a plain need. */
export type NeedText = string | (Partial<CiNeed> & { readonly job: string });

export interface JobText extends
  Partial<
    Omit<
      CiJob,
      "needs" | "rules" | "only" | "except" | "variables" | "environment" | "image" | "trigger"
    >
  > {
  readonly needs?: readonly NeedText[];
  readonly rules?: readonly RuleText[];
  readonly only?: Partial<CiRefPolicy>;
  readonly except?: Partial<CiRefPolicy>;
  readonly variables?: Readonly<Record<string, string>>;
  readonly environment?: Partial<CiEnvironment> & { readonly name: string };
  readonly image?: string;
  readonly trigger?: Partial<CiTrigger>;
}

export interface RuleText
  extends Partial<Omit<CiRule, "needs" | "variables" | "changes" | "exists">> {
  readonly needs?: readonly NeedText[];
  readonly variables?: Readonly<Record<string, string>>;
  readonly changes?: readonly string[];
  readonly compareTo?: string;
  readonly exists?: readonly string[];
}

export interface ConfigText {
  readonly stages?: readonly string[];
  readonly variables?: Readonly<Record<string, string>>;
  readonly workflow?: { readonly name?: string; readonly rules?: readonly RuleText[] };
}

/** A project with nothing but the text that is read. */
export const NO_FILES: CiSource = {
  read: () => Promise.resolve(undefined),
  fetch: () => Promise.reject(new Error("nothing is fetched")),
  filesOf: () => Promise.resolve([]),
  changedFiles: () => [],
  files: () => [],
};

/** Stages are `.pre`, `build`, `test`, `deploy`, `.post` unless given. */
export function config(jobs: Readonly<Record<string, JobText>>, more: ConfigText = {}): CiConfig {
  return {
    stages: [".pre", ...(more.stages ?? ["build", "test", "deploy"]), ".post"],
    variables: vars(more.variables ?? {}),
    workflow: {
      name: more.workflow?.name,
      rules: more.workflow?.rules?.map(rule),
      autoCancel: undefined,
    },
    jobs: new Map(
      Object.entries(jobs).map(([name, text]) => {
        const hasRules = (text.rules ?? more.workflow?.rules) !== undefined;
        return [name, job(name, hasRules ? text : { only: BY_DEFAULT, ...text })];
      }),
    ),
    warnings: [],
    lint: [],
    files: [".gitlab-ci.yml"],
    preview: {},
  };
}

/** What reading makes of a job without rules. */
const BY_DEFAULT = { refs: ["branches", "tags"] };

function job(name: string, text: JobText): CiJob {
  return {
    name,
    place: PLACE,
    stage: "test",
    script: ["true"],
    beforeScript: [],
    afterScript: [],
    hooks: {},
    services: [],
    cache: [],
    artifacts: undefined,
    inheritVariables: true,
    when: undefined,
    startIn: undefined,
    allowFailure: undefined,
    manualConfirmation: undefined,
    parallel: undefined,
    dependencies: undefined,
    retry: { max: 0, when: [], exitCodes: [] },
    timeoutSeconds: undefined,
    interruptible: false,
    resourceGroup: undefined,
    coverage: undefined,
    tags: [],
    idTokens: {},
    secrets: {},
    release: undefined,
    pages: undefined,
    run: undefined,
    inputs: {},
    ...text,
    image: text.image === undefined ? undefined : image(text.image),
    variables: vars(text.variables ?? {}),
    rules: text.rules?.map(rule),
    only: policy(text.only),
    except: policy(text.except),
    needs: text.needs?.map(need),
    environment: text.environment && {
      url: undefined,
      action: "start",
      onStop: undefined,
      deploymentTier: undefined,
      ...text.environment,
    },
    trigger: text.trigger && {
      include: undefined,
      project: undefined,
      branch: undefined,
      depends: false,
      forward: { yamlVariables: true, pipelineVariables: false },
      inputs: {},
      ...text.trigger,
    },
  };
}

function rule(text: RuleText): CiRule {
  return {
    place: PLACE,
    if: undefined,
    when: undefined,
    startIn: undefined,
    allowFailure: undefined,
    interruptible: undefined,
    autoCancel: undefined,
    ...text,
    needs: text.needs?.map(need),
    variables: text.variables && vars(text.variables),
    changes: text.changes && { paths: text.changes, compareTo: text.compareTo },
    exists: text.exists && { paths: text.exists, project: undefined, ref: undefined },
  };
}

export function image(name: string): CiImage {
  return {
    name,
    alias: [],
    entrypoint: [],
    command: [],
    pullPolicy: [],
    variables: {},
    docker: { platform: "", user: "" },
    kubernetes: { user: "" },
  };
}

function need(text: NeedText): CiNeed {
  return {
    place: PLACE,
    optional: false,
    artifacts: true,
    matrix: undefined,
    elsewhere: undefined,
    ...(typeof text === "string" ? { job: text } : text),
  };
}

function policy(text: Partial<CiRefPolicy> | undefined): CiRefPolicy | undefined {
  return text && {
    refs: undefined,
    variables: undefined,
    changes: undefined,
    kubernetes: undefined,
    ...text,
  };
}

/** A value that begins with `raw:` is not expanded. */
function vars(values: Readonly<Record<string, string>>): CiVariables {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, {
      value: value.replace(/^raw:/, ""),
      expand: !value.startsWith("raw:"),
    }]),
  );
}

export interface FactsText
  extends
    Partial<Omit<PipelineFacts, "project" | "pipeline" | "changedFiles" | "files" | "filesOf">> {
  readonly project?: Readonly<Record<string, string>>;
  readonly pipeline?: Readonly<Record<string, string>>;
  /** Undefined: nothing to compare with. */
  readonly changed?: readonly string[];
  /** By ref; any other ref is unknown. */
  readonly changedSince?: Readonly<Record<string, readonly string[]>>;
  readonly files?: readonly string[];
  /** By `project@ref`; any other project is unknown. */
  readonly filesOf?: Readonly<Record<string, FileList>>;
}

/** A push to `main` of a project `group/app`, unless said otherwise. */
export function facts(text: FactsText = {}): PipelineFacts {
  return {
    source: "push",
    ref: "main",
    isTag: false,
    defaultBranch: "main",
    ...text,
    predefined: { CI_PROJECT_PATH: "group/app", CI_COMMIT_BRANCH: "main", ...text.predefined },
    project: settings(text.project ?? {}),
    pipeline: settings(text.pipeline ?? {}),
    changedFiles: (compareTo) =>
      compareTo === undefined ? text.changed : text.changedSince?.[compareTo] ?? "unknown-ref",
    files: () => text.files ?? [],
    filesOf: ({ project, ref }) => text.filesOf?.[`${project}@${ref ?? "HEAD"}`] ?? "no-project",
  };
}

function settings(
  values: Readonly<Record<string, string>>,
): Readonly<Record<string, PipelineVariable>> {
  return Object.fromEntries(
    Object.entries(vars(values)).map(([key, one]) => [key, { ...one, masked: false, file: false }]),
  );
}

/** The names of the pipeline's jobs. */
export function names({ jobs }: Pipeline): string[] {
  return jobs.map(({ name }) => name);
}

/** The messages that an action is refused with; empty: it is not refused. */
export function refusals(action: () => unknown): string[] {
  try {
    action();
    return [];
  } catch (error) {
    if (!(error instanceof CiConfigError)) throw error;
    return error.problems.map(({ message }) => message);
  }
}

/** Variables as they end up: the last one of a name. */
export function valuesOf(
  variables: readonly { readonly key: string; readonly value: string }[],
): Record<string, string> {
  return Object.fromEntries(variables.map(({ key, value }) => [key, value]));
}
