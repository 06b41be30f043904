/** What people or programs see of a run. A view is told events, and how it all ended. */

import type { CriticalPath } from "../../pipeline/critical_path.ts";
import type { EndStatus } from "../../pipeline/job_outcome.ts";
import type { ExecEvent, PipelineFinished } from "../events.ts";
import type { z } from "zod";

export interface ExecView extends Disposable {
  event(event: ExecEvent): void;
  /** Called once, when all jobs have ended. */
  finish(summary: RunSummary): void;
}

export interface RunSummary {
  readonly status: EndStatus;
  readonly exitCode: number;
  readonly durationMs: number;
  readonly criticalPath: CriticalPath;
  readonly junit: z.infer<typeof PipelineFinished>["junit"];
  /** Where the logs and artifacts of the run are. */
  readonly directory: string;
}

/** A stream of text that may be a terminal. */
export interface ViewOutput {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}
