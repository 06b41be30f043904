/** What a terminal shows: every job with its time and its last line, or the whole log of one job. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ExecEvent } from "../events.ts";
import { logFileName } from "../log_file.ts";
import { duration, type Paint, withoutEscapes } from "./paint.ts";
import { type JobHistory, labelOf, RunHistory } from "./run_history.ts";
import { Screen } from "./screen.ts";
import { mark, summaryText } from "./summary_text.ts";
import type { ExecView, RunSummary, ViewOutput } from "./view.ts";

/** Keys of a terminal in raw mode. */
export interface KeySource extends AsyncIterable<Uint8Array | string> {
  setRawMode?(raw: boolean): unknown;
}

export interface LiveViewOptions {
  readonly output: ViewOutput;
  readonly keys: KeySource;
  readonly paint: Paint;
  /** Where the logs of the run are. */
  readonly directory: string;
  /** Ctrl-C, which a terminal in raw mode hands over as a key. */
  readonly onInterrupt: () => void;
}

/** Often enough to be followed, and seldom enough for a chatty job to cost nothing. */
const DRAW_MS = 80;
const TICK_MS = 1000;
/** What is not looked at any more need not fill a tall screen. */
const MOST_JOBS = 30;
/** Below the jobs: how many more there are, the keys, and the cursor. */
const OTHER_LINES = 3;

export class LiveView implements ExecView {
  readonly #options: LiveViewOptions;
  readonly #history = new RunHistory();
  readonly #screen: Screen;
  readonly #tick: ReturnType<typeof setInterval>;
  #drawing: ReturnType<typeof setTimeout> | undefined;
  #chosen = 0;
  /** The job whose log is shown instead of the list. */
  #open: string | undefined;
  #isOver = false;

  constructor(options: LiveViewOptions) {
    this.#options = options;
    this.#screen = new Screen(options.output);
    this.#tick = setInterval(() => this.#drawSoon(), TICK_MS);
    options.keys.setRawMode?.(true);
    void this.#readKeys();
  }

  event(event: ExecEvent): void {
    this.#history.take(event);
    if (event.type === "warning") {
      this.#screen.print(`${this.#options.paint("yellow", "warning")}: ${event.message}\n`);
    }
    if (this.#open !== undefined) this.#follow(event);
    else this.#drawSoon();
  }

  finish(summary: RunSummary): void {
    this.#end();
    this.#screen.print(summaryText(this.#history.jobs, summary, this.#options.paint));
  }

  [Symbol.dispose](): void {
    this.#end();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#tick);
    clearTimeout(this.#drawing);
    this.#options.keys.setRawMode?.(false);
  }

  #drawSoon(): void {
    if (this.#drawing !== undefined || this.#isOver || this.#open !== undefined) return;
    this.#drawing = setTimeout(() => {
      this.#drawing = undefined;
      if (!this.#isOver && this.#open === undefined) this.#screen.draw(this.#lines());
    }, DRAW_MS);
  }

  #lines(): readonly string[] {
    const { paint } = this.#options;
    const jobs = this.#shown();
    if (jobs.length === 0) return [];
    const waiting = this.#history.jobs.filter(({ state }) => state === "waiting").length;
    const ended = this.#history.jobs.length - waiting - jobs.length;
    const more = [
      ...(waiting === 0 ? [] : [`${waiting} waiting`]),
      ...(ended === 0 ? [] : [`${ended} more`]),
    ];
    const width = Math.max(...jobs.map(({ label }) => label.length));
    return [
      ...jobs.map((job, at) => this.#jobLine(job, width, at === this.#chosen)),
      ...(more.length === 0 ? [] : [paint("dim", `  · ${more.join(", ")}`)]),
      paint("dim", "  ↑ ↓ choose a job, enter: its log, ctrl-c: stop"),
    ];
  }

  /** Those that have begun; of more than there is room for, those that run and those begun last. */
  #shown(): readonly JobHistory[] {
    const begun = this.#history.jobs.filter(({ state }) => state !== "waiting");
    const room = Math.max(1, Math.min(MOST_JOBS, this.#screen.rows - OTHER_LINES));
    const running = begun.filter(({ state }) => state === "running");
    const others = begun.filter(({ state }) => state !== "running");
    const shown = new Set([...others, ...running].slice(-room));
    return begun.filter((job) => shown.has(job));
  }

  #jobLine(job: JobHistory, width: number, isChosen: boolean): string {
    const { paint } = this.#options;
    const isRunning = job.state === "running";
    const ms = isRunning ? performance.now() - job.startedAt : job.durationMs;
    const line = isRunning ? withoutEscapes(job.lastLines.at(-1) ?? "").replace(/.*\r/, "") : "";
    const details = paint("dim", `${job.stage}  ${duration(ms).padStart(7)}  ${line.trim()}`);
    return `${isChosen ? "›" : " "} ${mark(job, paint)} ${job.label.padEnd(width)}  ${details}`;
  }

  async #readKeys(): Promise<void> {
    for await (const chunk of this.#options.keys) {
      if (this.#isOver) return;
      for (const key of keysOf(String(chunk instanceof Uint8Array ? Buffer.from(chunk) : chunk))) {
        this.#press(key);
      }
    }
  }

  #press(key: string): void {
    switch (key) {
      case "\x03":
        this.#options.onInterrupt();
        return;
      case "\x1b[A":
      case "k":
        this.#chosen = Math.max(0, this.#chosen - 1);
        break;
      case "\x1b[B":
      case "j":
        this.#chosen = Math.min(this.#shown().length - 1, this.#chosen + 1);
        break;
      case "\r":
      case "\n":
        if (this.#open === undefined) return this.#openLog();
        this.#open = undefined;
        break;
      case "q":
      case "\x1b":
        this.#open = undefined;
        break;
    }
    this.#drawSoon();
  }

  #openLog(): void {
    const job = this.#shown()[this.#chosen];
    if (job === undefined) return;
    this.#open = job.label;
    const title = this.#options.paint("bold", `--- ${job.label} (enter: back)`);
    this.#screen.print(`\n${title}\n${this.#logOf(job)}`);
  }

  #follow(event: ExecEvent): void {
    if (event.type !== "job.output" && event.type !== "job.command") return;
    if (labelOf(event) !== this.#open) return;
    const text = event.type === "job.command" ? `$ ${event.text}` : event.text;
    this.#screen.print(`${text}\n`);
  }

  #logOf({ label, attempt }: JobHistory): string {
    const { directory } = this.#options;
    const ending = `-${logFileName(label.split(" > "), attempt)}`;
    const names = existsSync(directory) ? readdirSync(directory) : [];
    const name = names.find((each) => each.endsWith(ending));
    if (name === undefined) return "";
    return readFileSync(join(directory, name), "utf8").replaceAll(SECTION_MARKER, "");
  }
}

// deno-lint-ignore no-control-regex -- section markers are made of control characters
const SECTION_MARKER = /section_(?:start|end):\d+:[^\r]*\r(?:\x1b\[0K)?/g;

/** One key is one character or one escape sequence. */
function keysOf(text: string): readonly string[] {
  // deno-lint-ignore no-control-regex -- escape sequences begin with a control character
  return text.match(/\x1b\[[0-9;]*[A-Za-z~]|[\s\S]/g) ?? [];
}
