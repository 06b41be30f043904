/** From a thrown value to a job's result, and from a result to the last line of its trace. */

import { codeOf, JobConfigurationError, messageOf, SystemFailure } from "../errors.ts";
import type { JobLog } from "../executor.ts";
import type { JobResult } from "../job/result.ts";
import { JobAborted, JobCanceled, JobTimedOut, ProcessShutdown } from "../util/abort.ts";

/** Whose fault a thrown value is, decided by its type and never by its text. */
export function resultOf(thrown: unknown): JobResult {
  if (thrown instanceof JobCanceled) return { kind: "canceled", message: "canceled" };
  if (thrown instanceof JobAborted) return { kind: "aborted", message: thrown.message };
  if (thrown instanceof JobTimedOut) {
    return { kind: "failed", reason: "job_execution_timeout", message: thrown.message };
  }
  if (thrown instanceof ProcessShutdown) {
    return { kind: "failed", reason: "runner_interrupted", message: thrown.message };
  }
  if (thrown instanceof JobConfigurationError) {
    return { kind: "failed", reason: "runner_configuration_error", message: thrown.message };
  }
  if (thrown instanceof SystemFailure) {
    return { kind: "failed", reason: thrown.reason, message: thrown.message };
  }
  const code = codeOf(thrown);
  const message = messageOf(thrown);
  return {
    kind: "failed",
    reason: "runner_system_failure",
    message: code === undefined || message.includes(code) ? message : `${message} (${code})`,
  };
}

/** `Job succeeded`, or why it did not. */
export function writeResult(log: JobLog, result: JobResult): void {
  switch (result.kind) {
    case "success":
      log.notice("Job succeeded");
      return;
    case "failed": {
      // As GitLab Runner: a reason that says more is not called a system failure.
      const whose = result.reason === "runner_system_failure" ? " (system failure)" : "";
      log.error(`Job failed${whose}: ${result.message}`);
      return;
    }
    case "canceled":
    case "aborted":
      log.error(`Job failed: ${result.message}`);
      return;
  }
}
