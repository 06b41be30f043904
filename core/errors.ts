/** The domain's errors: what failed, whose fault it is, and what the coordinator is told. */

/**
 * Reasons a job can fail for, as GitLab names them. `job_canceled` stays inside this process.
 * Which of them a given coordinator accepts is decided by {@link ./job/result.ts}.
 */
export type FailureReason =
  | "script_failure"
  | "runner_system_failure"
  | "job_execution_timeout"
  | "image_pull_failure"
  | "unknown_failure"
  | "runner_configuration_error"
  | "runner_external_dependency_failure"
  | "runner_interrupted"
  | "job_canceled";

/** Base of every error this program throws on purpose. Its message is fit for an operator. */
export class RunnerError extends Error {
  override readonly name: string = "RunnerError";

  /** Turns any thrown value into a RunnerError, once, at the edge. Keeps the original as cause. */
  static from(thrown: unknown): RunnerError {
    if (thrown instanceof RunnerError) return thrown;
    if (thrown instanceof Error) return new RunnerError(thrown.message, { cause: thrown });
    return new RunnerError(String(thrown), { cause: thrown });
  }
}

/** An infrastructure fault: not the job's doing. Ends a job as `Job failed (system failure)`. */
export class SystemFailure extends RunnerError {
  override readonly name = "SystemFailure";
  readonly reason: FailureReason;

  constructor(message: string, options: { reason?: FailureReason; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.reason = options.reason ?? "runner_system_failure";
  }
}

/** The job itself asks for something that cannot be done; retrying it would not help. */
export class JobConfigurationError extends RunnerError {
  override readonly name = "JobConfigurationError";
}

/** The operator's configuration or command line is wrong. Printed without a stack trace. */
export class ConfigurationError extends RunnerError {
  override readonly name = "ConfigurationError";
}

/** The message of any thrown value, without its stack. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The system error code (`ENOSPC`, `ECONNREFUSED`…) of any thrown value or of its causes. */
export function codeOf(thrown: unknown): string | undefined {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if ("code" in error && typeof error.code === "string") return error.code;
  }
  return undefined;
}

/** Makes a `switch` over a closed union fail to compile when a member is missing. */
export function assertNever(value: never): never {
  throw new RunnerError(`Unexpected value ${JSON.stringify(value)}`);
}
