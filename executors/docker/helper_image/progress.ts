/** What a command that takes a while says meanwhile: plain lines, and on a terminal a moving one. */

import type { TextOutput } from "../../../core/cli/program.ts";
import type { JobLog } from "../../../core/executor.ts";
import type { PullProgress } from "../engine/mod.ts";

/** Between two changes of the moving line; faster nobody reads. */
const PAUSE_MS = 100;

export class Progress implements Disposable {
  readonly #out: TextOutput;
  readonly #layers = new Map<string, PullProgress>();
  #changedAt = 0;
  #isShown = false;

  constructor(out: TextOutput) {
    this.#out = out;
  }

  /** As the images' part tells a job. */
  get log(): JobLog {
    return {
      print: (text) => this.line(text),
      notice: (text) => this.line(text),
      warning: (text) => this.line(`WARNING: ${text}`),
      error: (text) => this.line(`ERROR: ${text}`),
    };
  }

  line(text: string): void {
    this.#clear();
    this.#out.write(`${text}\n`);
  }

  /** Shown on a terminal until the next thing is said; elsewhere not at all. */
  meanwhile(text: string): void {
    if (this.#out.isTTY !== true) return;
    const now = performance.now();
    if (now - this.#changedAt < PAUSE_MS) return;
    this.#changedAt = now;
    this.#isShown = true;
    const width = (this.#out.columns ?? 80) - 1;
    this.#out.write(`\r\x1b[K${text.slice(0, width)}`);
  }

  pulled(step: PullProgress): void {
    if (step.total > 0) this.#layers.set(step.id, step);
    const all = [...this.#layers.values()];
    const current = all.reduce((sum, layer) => sum + layer.current, 0);
    const total = all.reduce((sum, layer) => sum + layer.total, 0);
    this.meanwhile(`${step.status} ${step.id} (${megabytes(current)} of ${megabytes(total)})`);
  }

  [Symbol.dispose](): void {
    this.#clear();
  }

  #clear(): void {
    if (this.#isShown) this.#out.write("\r\x1b[K");
    this.#isShown = false;
  }
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
