/** Puts the inputs of a job into its payload, where that is asked for. */

import { JobConfigurationError } from "../errors.ts";
import { interpolateInputs } from "../job/inputs.ts";
import type { JobResponse } from "../job/response.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { OpenedTrace } from "./job_traces.ts";

/** The job with its inputs in their places, or what is wrong with them. */
export function withInputs(
  job: JobResponse,
  opened: OpenedTrace,
  metrics: Metrics,
): JobResponse | JobConfigurationError {
  if (!opened.flags.FF_ENABLE_JOB_INPUTS_INTERPOLATION || job.inputs.length === 0) return job;
  try {
    const interpolated = interpolateInputs(job);
    metrics.inputsInterpolated(undefined);
    return interpolated;
  } catch (error) {
    if (!(error instanceof JobConfigurationError)) throw error;
    metrics.inputsInterpolated("expression");
    return error;
  }
}
