/**
 * The configuration of a pipeline as `.gitlab-ci.yml` and everything it includes say it, before any
 * decision that depends on a commit or an event: includes, inputs, `extends`, `!reference`,
 * `default` and `inherit` are resolved, every keyword is checked and in one closed shape. Reading is
 * the job of `read_config.ts`; deciding which jobs run, of `compose.ts`. Frozen.
 */

import type { Plain } from "./yaml/node.ts";
import type { CiWarning, Place } from "./place.ts";

export interface CiConfig {
  /** In order, `.pre` first and `.post` last. */
  readonly stages: readonly string[];
  readonly variables: CiVariables;
  readonly workflow: CiWorkflow;
  /** By name, in the order of the files; hidden jobs are not in it. */
  readonly jobs: ReadonlyMap<string, CiJob>;
  readonly warnings: readonly CiWarning[];
  /** What GitLab warns of where the configuration is checked, and not when it runs. */
  readonly lint: readonly CiWarning[];
  /** Every file that was read, the root first. */
  readonly files: readonly string[];
  /** What `--preview` prints: plain data, in GitLab's keywords, one entry per job and global keyword. */
  readonly preview: Readonly<Record<string, unknown>>;
}

export interface CiVariable {
  readonly value: string;
  /** False: references in the value stay as they are (`expand: false`). */
  readonly expand: boolean;
  /** Texts for people who start a pipeline by hand; only global variables have them. */
  readonly description?: string;
  readonly options?: readonly string[];
}

export type CiVariables = Readonly<Record<string, CiVariable>>;

export interface CiWorkflow {
  readonly name: string | undefined;
  /** Undefined: a pipeline is always made. */
  readonly rules: readonly CiRule[] | undefined;
  readonly autoCancel: Readonly<Record<string, string>> | undefined;
}

export type CiWhen = "on_success" | "on_failure" | "always" | "manual" | "delayed" | "never";

/** `true`, `false`, or the exit codes of failures that are allowed. */
export type CiAllowFailure = boolean | { readonly exitCodes: readonly number[] };

/** One entry of `rules`. All of its clauses have to hold; one without clauses always holds. */
export interface CiRule {
  readonly place: Place;
  /** The expression as written. */
  readonly if: string | undefined;
  readonly changes:
    | { readonly paths: readonly string[]; readonly compareTo: string | undefined }
    | undefined;
  readonly exists:
    | {
      readonly paths: readonly string[];
      readonly project: string | undefined;
      readonly ref: string | undefined;
    }
    | undefined;
  /** Undefined: the job's own. */
  readonly when: CiWhen | undefined;
  readonly startIn: string | undefined;
  readonly allowFailure: CiAllowFailure | undefined;
  readonly variables: CiVariables | undefined;
  readonly needs: readonly CiNeed[] | undefined;
  readonly interruptible: boolean | undefined;
  readonly autoCancel: Readonly<Record<string, string>> | undefined;
}

/** `only` or `except`. Kinds are joined by *and* for `only`, by *or* for `except`. */
export interface CiRefPolicy {
  /** Branch or tag names, `/regex/`, and the keywords `branches`, `tags`, `merge_requests`… */
  readonly refs: readonly string[] | undefined;
  readonly variables: readonly string[] | undefined;
  readonly changes: readonly string[] | undefined;
  readonly kubernetes: "active" | undefined;
}

export interface CiImage {
  readonly name: string;
  readonly alias: readonly string[];
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly pullPolicy: readonly string[];
  readonly variables: CiVariables;
  readonly docker: { readonly platform: string; readonly user: string };
  readonly kubernetes: { readonly user: string };
}

export interface CiCache {
  /** A literal key, or one made of the commits that last changed these files. */
  readonly key:
    | { readonly kind: "text"; readonly text: string }
    | {
      readonly kind: "files";
      readonly files: readonly string[];
      readonly prefix: string | undefined;
      /** `files_commits`: by commit; `files`: by content. */
      readonly by: "content" | "commits";
    };
  readonly fallbackKeys: readonly string[];
  readonly paths: readonly string[];
  readonly untracked: boolean;
  /** `pull-push`, `pull`, `push`, or a variable that names one. */
  readonly policy: string;
  readonly when: string;
  readonly unprotect: boolean;
}

export interface CiArtifacts {
  readonly name: string;
  readonly paths: readonly string[];
  readonly exclude: readonly string[];
  readonly untracked: boolean;
  readonly when: "on_success" | "on_failure" | "always";
  readonly expireIn: string;
  readonly exposeAs: string | undefined;
  readonly access: string | undefined;
  /** Report type (`junit`, `dotenv`…) to paths. `coverage_report` keeps its format in the name. */
  readonly reports: Readonly<Record<string, readonly string[]>>;
}

export interface CiNeed {
  readonly place: Place;
  /** The job's name; empty for a need of a whole pipeline. */
  readonly job: string;
  readonly optional: boolean;
  readonly artifacts: boolean;
  /** Only these instances of a matrix job; undefined: all of them. */
  readonly matrix: readonly Readonly<Record<string, readonly string[]>>[] | undefined;
  /** A job of another project, of which only the artifacts count, or of another pipeline. */
  readonly elsewhere:
    | { readonly project?: string; readonly ref?: string; readonly pipeline?: string }
    | undefined;
}

/** `parallel`: so many equal jobs, or one per combination of values. */
export type CiParallel =
  | { readonly kind: "count"; readonly count: number }
  | {
    readonly kind: "matrix";
    readonly matrix: readonly Readonly<Record<string, readonly string[]>>[];
  };

export interface CiRetry {
  /** 0 to 2 further tries. */
  readonly max: number;
  /** GitLab's failure names; `always` stands for all. */
  readonly when: readonly string[];
  readonly exitCodes: readonly number[];
}

export interface CiEnvironment {
  readonly name: string;
  readonly url: string | undefined;
  readonly action: "start" | "stop" | "prepare" | "verify" | "access";
  readonly onStop: string | undefined;
  readonly deploymentTier: string | undefined;
}

export interface CiTrigger {
  /** A child pipeline's files; undefined: a pipeline of another project. */
  readonly include: readonly CiTriggerInclude[] | undefined;
  readonly project: string | undefined;
  readonly branch: string | undefined;
  /** The trigger job waits for the pipeline and mirrors its result. */
  readonly depends: boolean;
  readonly forward: { readonly yamlVariables: boolean; readonly pipelineVariables: boolean };
  readonly inputs: Readonly<Record<string, unknown>>;
}

export type CiTriggerInclude =
  /** A file of an earlier job's artifacts. */
  | { readonly kind: "artifact"; readonly job: string; readonly path: string }
  /** Anything that `include` takes, as written. */
  | { readonly kind: "include"; readonly include: unknown };

/** A job with all that `extends`, `default` and global keywords gave it. */
export interface CiJob {
  readonly name: string;
  readonly place: Place;
  readonly stage: string;
  /** Empty for a trigger job. Nested lists are flat. */
  readonly script: readonly string[];
  readonly beforeScript: readonly string[];
  readonly afterScript: readonly string[];
  readonly hooks: Readonly<Record<string, readonly string[]>>;
  readonly image: CiImage | undefined;
  readonly services: readonly CiImage[];
  readonly cache: readonly CiCache[];
  readonly artifacts: CiArtifacts | undefined;
  /** The job's own; global ones are added as `inheritVariables` says. */
  readonly variables: CiVariables;
  /** Of the global variables: all, none, or these. */
  readonly inheritVariables: boolean | readonly string[];
  readonly rules: readonly CiRule[] | undefined;
  /** Branches and tags for a job that says nothing, in a file whose workflow has no rules either. */
  readonly only: CiRefPolicy | undefined;
  readonly except: CiRefPolicy | undefined;
  /** Undefined: not written; `on_success`, as far as rules say nothing else. */
  readonly when: CiWhen | undefined;
  readonly startIn: string | undefined;
  /** Undefined: not written; true for manual jobs, else false. */
  readonly allowFailure: CiAllowFailure | undefined;
  readonly manualConfirmation: string | undefined;
  readonly parallel: CiParallel | undefined;
  /** Undefined: stage order; empty: starts at once. */
  readonly needs: readonly CiNeed[] | undefined;
  /** Undefined: artifacts of all earlier jobs (or of those needed); otherwise of these. */
  readonly dependencies: readonly string[] | undefined;
  readonly retry: CiRetry;
  readonly timeoutSeconds: number | undefined;
  readonly interruptible: boolean;
  readonly resourceGroup: string | undefined;
  readonly environment: CiEnvironment | undefined;
  /** A regular expression between slashes. */
  readonly coverage: string | undefined;
  readonly tags: readonly string[];
  readonly trigger: CiTrigger | undefined;
  /** By the variables that hold them. */
  readonly idTokens: Readonly<Record<string, { readonly aud: readonly string[] }>>;
  /** As written: taken from the user's settings, never fetched. */
  readonly secrets: Readonly<Record<string, unknown>>;
  /** As written; what they would do on the server is named, not done. */
  readonly release: Readonly<Record<string, unknown>> | undefined;
  readonly pages: boolean | Readonly<Record<string, unknown>> | undefined;
  readonly run: readonly unknown[] | undefined;
  /** Values of `inputs` that scripts may refer to. */
  readonly inputs: Readonly<Record<string, Plain>>;
}
