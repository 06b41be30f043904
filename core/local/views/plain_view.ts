/** Lines `job | text`, for logs and pipes. `quiet` leaves out all but failures and the summary. */

import type { ExecEvent } from "../events.ts";
import { type Color, duration, type Paint } from "./paint.ts";
import { labelOf, RunHistory } from "./run_history.ts";
import { summaryText } from "./summary_text.ts";
import type { ExecView, RunSummary, ViewOutput } from "./view.ts";

export interface PlainViewOptions {
  readonly output: ViewOutput;
  readonly paint: Paint;
  readonly quiet: boolean;
}

const JOB_COLORS: readonly Color[] = ["cyan", "magenta", "blue", "yellow", "green"];

export class PlainView implements ExecView {
  readonly #options: PlainViewOptions;
  readonly #history = new RunHistory();
  readonly #colors = new Map<string, Color>();

  constructor(options: PlainViewOptions) {
    this.#options = options;
  }

  event(event: ExecEvent): void {
    this.#history.take(event);
    const { paint, quiet } = this.#options;
    if (event.type === "warning") {
      if (!quiet) this.#line(`${paint("yellow", "warning")}: ${warningText(event)}`);
      return;
    }
    if (quiet) return;
    switch (event.type) {
      case "job.started":
        this.#job(event, paint("dim", startText(event)));
        return;
      case "job.command":
        this.#job(event, paint("green", `$ ${event.text}`));
        return;
      case "job.output":
        if (event.source === "script") this.#job(event, event.text);
        else if (event.text.startsWith("ERROR: ")) this.#job(event, paint("red", event.text));
        else if (event.text.startsWith("WARNING: ")) this.#job(event, paint("yellow", event.text));
        return;
      case "job.skipped":
        if (event.reason === "not_selected" || event.reason === "rules") return;
        this.#job(event, paint("dim", `skipped: ${event.message}`));
        return;
      case "job.finished":
        this.#job(
          event,
          paint(
            "dim",
            `${event.blocked ? "blocked" : event.status} in ${duration(event.duration_ms)}`,
          ),
        );
        return;
      default:
    }
  }

  finish(summary: RunSummary): void {
    this.#options.output.write(summaryText(this.#history.jobs, summary, this.#options.paint));
  }

  [Symbol.dispose](): void {}

  #job(event: { readonly job: string; readonly pipeline: readonly string[] }, text: string): void {
    const label = labelOf(event);
    const color = this.#colors.get(label) ?? JOB_COLORS[this.#colors.size % JOB_COLORS.length];
    if (color === undefined) return;
    this.#colors.set(label, color);
    for (const line of text.split("\n")) {
      this.#line(`${this.#options.paint(color, label)} | ${line}`);
    }
  }

  #line(text: string): void {
    this.#options.output.write(`${text}\n`);
  }
}

function startText(
  { attempt, image, executor }: { attempt: number; image: string | null; executor: string },
): string {
  const where = image ?? executor;
  return attempt === 1 ? `started (${where})` : `started again (${where}), attempt ${attempt}`;
}

function warningText(
  { file, line, message }: { file: string | null; line: number | null; message: string },
): string {
  return file === null ? message : `${file}:${line ?? 1}: ${message}`;
}
