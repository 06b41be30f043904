/** From a job and its prepared environment to the stages that will run. Pure. */

import type { ScriptOp } from "../shell.ts";
import type { PlanContext } from "./context.ts";
import { archiveCache, restoreCache } from "./stages/cache.ts";
import { cleanUp, clearWorktree, removeFiles } from "./stages/cleanup.ts";
import { downloadArtifacts, uploadArtifacts } from "./stages/artifacts.ts";
import { getSources } from "./stages/get_sources.ts";
import { plain } from "./stages/print.ts";
import { afterScript, interactiveShell, type JobStatus, userScript } from "./stages/user_script.ts";

/** A build stage that is ready to be rendered. One without ops is skipped, without a section. */
export interface PlannedStage {
  /** GitLab's name: the section's and the metrics'. */
  readonly name: string;
  /** Title line below the section's marker. */
  readonly title: string;
  readonly ops: readonly ScriptOp[];
  readonly target: "helper" | "build";
  /** How often it may be tried in all, at least 1. */
  readonly attempts: number;
}

type Outcome = "success" | "failure";

/** All stages of one job. What depends on how the job went is a function of that. */
export interface JobPlan {
  readonly prepare: PlannedStage;
  readonly getSources: PlannedStage;
  readonly clearWorktree: PlannedStage;
  readonly restoreCache: PlannedStage;
  readonly downloadArtifacts: PlannedStage;
  readonly steps: readonly PlannedStage[];
  afterScript(status: JobStatus): PlannedStage;
  archiveCache(outcome: Outcome): PlannedStage;
  uploadArtifacts(outcome: Outcome): PlannedStage;
  readonly cleanup: PlannedStage;
  /** The part of it that concerns secrets. */
  readonly removeFiles: PlannedStage;
  /** For people, after the job has failed; `terminalType` is their `TERM`. */
  shell(terminalType: string): PlannedStage;
}

const CACHE_STAGES: Readonly<Record<Outcome, readonly [name: string, title: string]>> = {
  success: ["archive_cache", "Saving cache for successful job"],
  failure: ["archive_cache_on_failure", "Saving cache for failed job"],
};

const ARTIFACT_STAGES: typeof CACHE_STAGES = {
  success: ["upload_artifacts_on_success", "Uploading artifacts for successful job"],
  failure: ["upload_artifacts_on_failure", "Uploading artifacts for failed job"],
};

/** Throws JobConfigurationError for a job that cannot be planned. */
export function planJob(context: PlanContext): JobPlan {
  const { settings, environment, spec } = context;
  const host: ScriptOp = environment.hostname === undefined
    ? { kind: "print-host", ...(environment.via ? { via: environment.via } : {}) }
    : plain(`Running on ${environment.hostname}...`);
  return withFreshTempDir(context.paths.tempDir, {
    prepare: helper("prepare_script", "Preparing environment", [host]),
    getSources: helper(
      "get_sources",
      "Getting source from Git repository",
      getSources(context),
      settings.getSourcesAttempts,
    ),
    clearWorktree: helper(
      "clear_worktree",
      "Deleting all tracked and untracked files due to source fetch failure",
      clearWorktree(context),
    ),
    restoreCache: helper(
      "restore_cache",
      "Restoring cache",
      restoreCache(context),
      settings.restoreCacheAttempts,
    ),
    downloadArtifacts: helper(
      "download_artifacts",
      "Downloading artifacts",
      downloadArtifacts(context),
      settings.artifactDownloadAttempts,
    ),
    steps: spec.steps.filter((step) => step.name !== "after_script").map((step) => {
      const name = `step_${step.name.toLowerCase()}`;
      return build(name, `Executing "${name}" stage of the job script`, userScript(context, step));
    }),
    afterScript: (status) =>
      build("after_script", "Running after_script", afterScript(context, status)),
    archiveCache: (outcome) => helper(...CACHE_STAGES[outcome], archiveCache(context, outcome)),
    uploadArtifacts: (outcome) =>
      helper(...ARTIFACT_STAGES[outcome], uploadArtifacts(context, outcome)),
    cleanup: helper(
      "cleanup_file_variables",
      "Cleaning up project directory and file based variables",
      cleanUp(context),
    ),
    removeFiles: helper("cleanup_file_variables", "", removeFiles(context)),
    shell: (terminalType) => build("shell", "", interactiveShell(context, terminalType)),
  });
}

function helper(
  name: string,
  title: string,
  ops: readonly ScriptOp[],
  attempts = 1,
): PlannedStage {
  return { name, title, ops, target: "helper", attempts };
}

function build(name: string, title: string, ops: readonly ScriptOp[]): PlannedStage {
  return { name, title, ops, target: "build", attempts: 1 };
}

/**
 * The first script of a job removes what an earlier one, whose end was not orderly, has left in the
 * temporary directory: variables for later stages, or a link that leads somewhere else.
 */
function withFreshTempDir(tempDir: string, plan: JobPlan): JobPlan {
  const remove: ScriptOp = { kind: "remove-directory", path: tempDir };
  const first = [plan.getSources, plan.restoreCache, plan.downloadArtifacts, ...plan.steps]
    .find(({ ops }) => ops.some(({ kind }) => kind !== "print"));
  const fresh = (stage: PlannedStage) =>
    stage === first ? { ...stage, ops: [remove, ...stage.ops] } : stage;
  return {
    ...plan,
    getSources: fresh(plan.getSources),
    restoreCache: fresh(plan.restoreCache),
    downloadArtifacts: fresh(plan.downloadArtifacts),
    steps: plan.steps.map(fresh),
  };
}
