/** Worker entry point: runs tasks one at a time as they come in. */

import { type ArchiveTask, runArchiveTask } from "./archive_task.ts";

/** What the worker answers: `ready` once, then one answer per task, in order. */
export type WorkerAnswer =
  | { readonly kind: "ready" }
  | { readonly kind: "done"; readonly result: ReturnType<typeof runArchiveTask> }
  | { readonly kind: "failed"; readonly message: string };

declare const self: {
  onmessage: ((event: MessageEvent<ArchiveTask>) => void) | null;
  postMessage(answer: WorkerAnswer, transfer?: ArrayBuffer[]): void;
};

self.onmessage = (event) => {
  try {
    const result = runArchiveTask(event.data);
    self.postMessage({ kind: "done", result }, "bytes" in result ? ownBuffer(result.bytes) : []);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    self.postMessage({ kind: "failed", message });
  }
};
self.postMessage({ kind: "ready" });

/** A view of a pooled buffer cannot be handed over; it is copied instead. */
function ownBuffer({ buffer, byteLength }: Uint8Array): ArrayBuffer[] {
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : [];
}
