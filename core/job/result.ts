/** How a job ended, and what of it the coordinator is told. */

import type { FailureReason } from "../errors.ts";

/** The outcome of one job. `message` is the text after `Job failed: ` in the trace. */
export type JobResult =
  | { readonly kind: "success" }
  | {
    readonly kind: "failed";
    readonly reason: FailureReason;
    readonly message: string;
    /** The script's exit code; undefined when no script's exit decided the result. */
    readonly exitCode?: number;
  }
  /** GitLab canceled the job: reported as failed, for a reason that stays inside the runner. */
  | { readonly kind: "canceled"; readonly message: string }
  /** The job is no longer ours (403, 404, `Job-Status: canceled`): nothing needs to be told. */
  | { readonly kind: "aborted"; readonly message: string };

/** The state and reason of a final `PUT jobs/:id`. */
export interface FinalState {
  readonly state: "success" | "failed";
  readonly failureReason?: string;
  readonly exitCode?: number;
}

const ALWAYS_ACCEPTED = ["script_failure", "runner_system_failure", "job_execution_timeout"];

/** What a coordinator that does not know a reason is told instead (protocol section 8.5). */
const SUBSTITUTE: Readonly<Record<string, FailureReason>> = {
  image_pull_failure: "runner_system_failure",
  runner_configuration_error: "script_failure",
  runner_external_dependency_failure: "runner_system_failure",
  runner_interrupted: "runner_system_failure",
  job_canceled: "unknown_failure",
};

/** A job's result in the words of a coordinator that accepts `acceptedReasons`. */
export function finalState(result: JobResult, acceptedReasons: readonly string[]): FinalState {
  switch (result.kind) {
    case "success":
      return { state: "success" };
    case "failed":
      return {
        state: "failed",
        failureReason: acceptedReason(result.reason, acceptedReasons),
        ...(result.exitCode === undefined ? {} : { exitCode: result.exitCode }),
      };
    case "canceled":
    case "aborted":
      return { state: "failed", failureReason: acceptedReason("job_canceled", acceptedReasons) };
  }
}

/**
 * `unknown_failure` goes out unasked to a coordinator that lists no reasons: today's accept it, and
 * one of the v11.7 era answers 400, upon which the sender falls back to `script_failure`.
 */
function acceptedReason(reason: FailureReason, accepted: readonly string[]): string {
  const known = (name: string) => ALWAYS_ACCEPTED.includes(name) || accepted.includes(name);
  const substitute = SUBSTITUTE[reason];
  if (reason !== "job_canceled" && known(reason)) return reason;
  return substitute !== undefined && known(substitute) ? substitute : "unknown_failure";
}
