/** Everything that planning a job looks at. */

import type { RunnerConfig } from "../config/schema.ts";
import type { PreparedEnvironment } from "../executor.ts";
import type { JobSpec } from "../job/spec.ts";
import type { JobVariables } from "../job/variables.ts";
import type { FeatureFlags } from "../config/feature_flags.ts";
import type { JobPaths } from "./paths.ts";
import type { JobSettings } from "./settings.ts";

/** The stages read these; none of them is changed while a job runs. */
export interface PlanContext {
  readonly spec: JobSpec;
  readonly runner: RunnerConfig;
  readonly environment: PreparedEnvironment;
  readonly variables: JobVariables;
  readonly flags: FeatureFlags;
  readonly paths: JobPaths;
  readonly settings: JobSettings;
  /** Request id of the call that delivered the job: `X-Gitaly-Correlation-ID` of git's requests. */
  readonly correlationId: string;
  /** When the job began. */
  readonly startedAt: Date;
}
