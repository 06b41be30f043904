/**
 * The pipeline that one event makes of a configuration: which jobs run, in which order, with which
 * variables. `compose.ts` makes it; nothing here depends on how or where jobs are run. Frozen.
 */

import type {
  CiAllowFailure,
  CiCache,
  CiEnvironment,
  CiImage,
  CiJob,
  CiVariable,
  CiWhen,
} from "./ci_config.ts";
import type { FileList, ProjectRef } from "./ci_source.ts";
import type { CiWarning } from "./place.ts";

/** What composing asks about the commit, the event and the project. All paths are in the project. */
export interface PipelineFacts {
  /** `CI_PIPELINE_SOURCE`: `push`, `merge_request_event`, `schedule`, `web`, `parent_pipeline`… */
  readonly source: string;
  /** The branch or tag; for a merge request its source branch. */
  readonly ref: string;
  readonly isTag: boolean;
  readonly defaultBranch: string;
  /**
   * Variables that exist before any job. In GitLab's precedence, lowest first: `predefined`, those of
   * the configuration, `project` (the user's settings), `pipeline` (the command line).
   */
  readonly predefined: Readonly<Record<string, string>>;
  readonly project: Readonly<Record<string, PipelineVariable>>;
  readonly pipeline: Readonly<Record<string, PipelineVariable>>;
  /**
   * Paths that differ from what the event is compared with; `compareTo` is a ref. Undefined: there
   * is nothing to compare with, which GitLab takes as "everything changed".
   */
  changedFiles(compareTo: string | undefined): readonly string[] | "unknown-ref" | undefined;
  /** Every path of the project, as the pipeline's commit has it. Asked for at most once. */
  files(): readonly string[];
  /** The same of another project. Undefined: not known yet; whoever composes asks again. */
  filesOf(project: ProjectRef): FileList | undefined;
}

/** A variable of a user's settings or of a command line. */
export interface PipelineVariable extends CiVariable {
  readonly masked: boolean;
  /** The value goes to a file and the variable holds its path. */
  readonly file: boolean;
}

/** Where a job's variable comes from, for `--explain-vars`; later ones win. */
export interface PipelineJobVariable extends PipelineVariable {
  readonly key: string;
  readonly origin:
    | "predefined"
    | "id_tokens"
    | "global"
    | "workflow"
    | "job"
    | "matrix"
    | "rules"
    | "dotenv"
    | "project"
    | "pipeline"
    | "secrets";
}

export interface Pipeline {
  /** `workflow:name`, expanded; undefined: none. */
  readonly name: string | undefined;
  /** Why GitLab would make no pipeline, in its words; there are no jobs then. Undefined: it would. */
  readonly refusal: string | undefined;
  /** `workflow:auto_cancel:on_job_failure: all`: nothing starts any more once a job has failed. */
  readonly endsOnFailure: boolean;
  readonly stages: readonly string[];
  /** Jobs that are part of the pipeline, in the order of stages and files. */
  readonly jobs: readonly PipelineJob[];
  /** Jobs that rules or refs leave out, with the reason. */
  readonly excluded: readonly ExcludedJob[];
  readonly warnings: readonly CiWarning[];
}

export interface ExcludedJob {
  readonly job: CiJob;
  /** GitLab's full name: rules can leave out single instances. */
  readonly name: string;
  readonly message: string;
}

/** A job of another name: an instance of a `parallel` job has its number or values in it. */
export interface PipelineJob {
  /** GitLab's full name: `test 1/3`, `build: [linux, x64]`. Unique in the pipeline. */
  readonly name: string;
  /** The name in the file: what `needs`, `dependencies` and people call all instances. */
  readonly baseName: string;
  readonly config: CiJob;
  readonly stage: string;
  readonly when: Exclude<CiWhen, "never">;
  /** How long a delayed job waits, in milliseconds; otherwise 0. */
  readonly startInMs: number;
  readonly allowFailure: CiAllowFailure;
  /** In order of precedence, the last of one name wins. Values are not expanded yet. */
  readonly variables: readonly PipelineJobVariable[];
  /** With variables of the pipeline expanded in their names. */
  readonly image: CiImage | undefined;
  readonly services: readonly CiImage[];
  readonly cache: readonly CiCache[];
  readonly environment: CiEnvironment | undefined;
  readonly resourceGroup: string | undefined;
  readonly interruptible: boolean;
  /** Full names of the jobs it waits for; undefined: every job of the earlier stages. */
  readonly needs: readonly PipelineNeed[] | undefined;
  /** Full names of the jobs whose artifacts it gets. */
  readonly artifactsFrom: readonly string[];
  /** Jobs of other projects whose artifacts it gets. */
  readonly artifactsElsewhere: readonly ArtifactPlace[];
  /** Jobs of other pipelines of the same tree of parents and children whose artifacts it gets. */
  readonly artifactsOfPipelines: readonly JobOfPipeline[];
  /** `CI_NODE_INDEX` from 1 and `CI_NODE_TOTAL`; undefined for a job without `parallel`. */
  readonly node: { readonly index: number; readonly total: number } | undefined;
}

/** A job of the last successful pipeline of a branch or tag. */
export interface ArtifactPlace {
  readonly project: string;
  readonly ref: string;
  readonly job: string;
}

export interface JobOfPipeline {
  /** Its number, as `CI_PIPELINE_ID` says it. */
  readonly pipeline: string;
  readonly job: string;
}

export interface PipelineNeed {
  readonly job: string;
  readonly artifacts: boolean;
}
