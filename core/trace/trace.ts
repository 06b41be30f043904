/** Contract of a job's trace: what the job prints, on its way to the coordinator. */

import type { JobLog, OutputSink } from "../executor.ts";
import type { FinalState } from "../job/result.ts";

/** What became of the result and the trace's last bytes. */
export type Delivery =
  /** The coordinator has the result; `complete` says whether it has every byte of the trace. */
  | { readonly kind: "delivered"; readonly complete: boolean }
  /** The coordinator no longer wants to hear of this job. */
  | { readonly kind: "job-over" }
  /** Kept on disk; the outbox goes on trying, also after a restart. */
  | { readonly kind: "kept"; readonly why: string };

/**
 * One job's trace. Bytes are masked before they are stored, stored before they are sent, and sent
 * in order. Writing never waits on the network. All methods may be called until `finish`.
 */
export interface JobTrace extends JobLog {
  /** What the user's commands and our scripts print (stream 01). */
  readonly output: OutputSink;
  /** Bytes that were written so far, masked, whether sent or not. */
  readonly size: number;
  /** Hides `values` from now on; the longest match wins. An empty one is ignored. */
  addMasks(values: readonly string[]): void;
  /** `title` is the bold cyan line below the marker. Markers only when the coordinator knows them. */
  startSection(name: string, title: string, options?: { collapsed?: boolean }): void;
  endSection(name: string): void;
  /** Sends what is left and the result. Resolves when that is settled or has been kept for later. */
  finish(state: FinalState, options: { signal: AbortSignal }): Promise<Delivery>;
}
