/** What workers do for archives: any of their tasks, and what comes of each. */

import { type CompressResult, type CompressTask, runCompressTask } from "./compress_task.ts";
import { type InflateResult, type InflateTask, runInflateTask } from "./inflate_task.ts";

export type ArchiveTask = CompressTask | InflateTask;
export type ResultOf<Task extends ArchiveTask> = Task extends InflateTask ? InflateResult
  : CompressResult;

/** Does the work in this thread. */
export function runArchiveTask(task: ArchiveTask): CompressResult | InflateResult {
  return task.kind === "inflate" ? runInflateTask(task) : runCompressTask(task);
}
