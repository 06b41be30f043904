/** Worker entry point: runs compression tasks one at a time as they come in. */

import { type CompressTask, runCompressTask } from "./compress_task.ts";

/** What the worker answers: `ready` once, then one answer per task, in order. */
export type WorkerAnswer =
  | { readonly kind: "ready" }
  | { readonly kind: "done"; readonly result: ReturnType<typeof runCompressTask> }
  | { readonly kind: "failed"; readonly message: string };

declare const self: {
  onmessage: ((event: MessageEvent<CompressTask>) => void) | null;
  postMessage(answer: WorkerAnswer, transfer?: ArrayBuffer[]): void;
};

self.onmessage = (event) => {
  try {
    const result = runCompressTask(event.data);
    const { buffer, byteLength } = result.bytes;
    // A view of a pooled buffer cannot be handed over; it is copied instead.
    const ownsBuffer = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength;
    self.postMessage({ kind: "done", result }, ownsBuffer ? [buffer] : []);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    self.postMessage({ kind: "failed", message });
  }
};
self.postMessage({ kind: "ready" });
