/** What a terminal shows: every job with its time and its last line, or the whole log of one job. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ExecEvent } from "../events.ts";
import { logFileName } from "../run_files.ts";
import { duration, type Paint } from "./paint.ts";
import { type JobHistory, labelOf, RunHistory } from "./run_history.ts";
import { Screen } from "./screen.ts";
import { hasBegun, mark, summaryText } from "./summary_text.ts";
import { cut, oneLine, pad, shorten, widthOf } from "./text_width.ts";
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
/** Below the jobs: how many there are, the keys, and the cursor. */
const OTHER_LINES = 3;
/** In front of a job's name: whether it is chosen, and its mark. */
const MARGIN = 4;
const GAP = "  ";

export class LiveView implements ExecView {
  readonly #options: LiveViewOptions;
  readonly #history = new RunHistory();
  readonly #screen: Screen;
  readonly #tick: ReturnType<typeof setInterval>;
  #drawing: ReturnType<typeof setTimeout> | undefined;
  /** Label of a job; undefined: the first that is shown. */
  #chosen: string | undefined;
  /** The job whose log is shown instead of the list. */
  #open: JobHistory | undefined;
  #isStopping = false;
  #isOver = false;

  constructor(options: LiveViewOptions) {
    this.#options = options;
    this.#screen = new Screen(options.output);
    this.#tick = setInterval(() => this.#drawSoon(), TICK_MS);
    options.keys.setRawMode?.(true);
    // A terminal that is gone has no more keys; the run goes on.
    this.#readKeys().catch(() => {});
  }

  event(event: ExecEvent): void {
    this.#history.take(event);
    if (event.type === "warning") {
      this.#screen.print(`${this.#options.paint("yellow", "warning")}: ${event.message}\n`);
    }
    if (this.#open !== undefined) this.#follow(event, this.#open);
    this.#drawSoon();
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
    if (this.#drawing !== undefined || this.#isOver) return;
    this.#drawing = setTimeout(() => {
      this.#drawing = undefined;
      if (!this.#isOver) this.#screen.draw(this.#lines());
    }, DRAW_MS);
  }

  #lines(): readonly string[] {
    const { paint } = this.#options;
    if (this.#open !== undefined) {
      return [paint("dim", `  ${oneLine(this.#open.label)}: enter: back, ${this.#stopHint}`)];
    }
    const jobs = this.#shown();
    if (jobs.length === 0) return [];
    const chosen = jobs.find(({ label }) => label === this.#chosen) ?? jobs[0];
    // Half of the terminal is for what the jobs do.
    const most = Math.floor((this.#screen.columns - MARGIN) / 2);
    const widths = {
      label: Math.min(most, Math.max(...jobs.map(({ label }) => widthOf(oneLine(label))))),
      stage: Math.min(most, Math.max(...jobs.map(({ stage }) => widthOf(oneLine(stage))))),
    };
    return [
      ...jobs.map((job) => this.#jobLine(job, widths, job === chosen)),
      ...(jobs.length === this.#wanted.length ? [] : [paint("dim", `  ${this.#counts()}`)]),
      paint("dim", `  ↑ ↓ choose a job, enter: its log, ${this.#stopHint}`),
    ];
  }

  get #stopHint(): string {
    return this.#isStopping ? "stopping (ctrl-c again: leave at once)" : "ctrl-c: stop";
  }

  /** Of all jobs, as not all of them are shown. */
  #counts(): string {
    const jobs = this.#wanted;
    const running = jobs.filter(({ state }) => state === "running").length;
    const waiting = jobs.filter(({ state }) => state === "waiting").length;
    const ended = jobs.length - running - waiting;
    return `${jobs.length} jobs: ${ended} done, ${running} running, ${waiting} waiting`;
  }

  /**
   * Those that have begun; of more than there is room for, the one that is chosen, those that run and
   * those that have ended last.
   */
  #shown(): readonly JobHistory[] {
    const begun = this.#begun;
    const room = Math.max(1, Math.min(MOST_JOBS, this.#screen.rows - OTHER_LINES));
    const running = begun.filter(({ state }) => state === "running");
    const others = begun.filter(({ state }) => state !== "running");
    const chosen = begun.filter(({ label }) => label === this.#chosen);
    const rest = [...others, ...running].filter(({ label }) => label !== this.#chosen);
    const shown = new Set([
      ...chosen,
      ...rest.slice(Math.max(0, rest.length + chosen.length - room)),
    ]);
    return begun.filter((job) => shown.has(job));
  }

  get #begun(): readonly JobHistory[] {
    return this.#history.jobs.filter(hasBegun);
  }

  get #wanted(): readonly JobHistory[] {
    return this.#history.jobs.filter(({ state }) => state !== "skipped");
  }

  #jobLine(
    job: JobHistory,
    widths: { readonly label: number; readonly stage: number },
    isChosen: boolean,
  ): string {
    const { paint } = this.#options;
    const isRunning = job.state === "running";
    const ms = isRunning ? performance.now() - job.startedAt : job.durationMs;
    const line = isRunning ? oneLine(job.line.replace(/.*\r/, "")) : "";
    const label = pad(shorten(oneLine(job.label), widths.label), widths.label);
    const stage = pad(shorten(oneLine(job.stage), widths.stage), widths.stage);
    const details = [duration(ms).padStart(7), stage, line.trim()].join(GAP);
    const room = this.#screen.columns - 1 - MARGIN - widths.label - GAP.length;
    return `${isChosen ? "›" : " "} ${mark(job, paint)} ${label}${GAP}` +
      paint("dim", cut(details.trimEnd(), room));
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
        this.#isStopping = true;
        this.#options.onInterrupt();
        break;
      case "\x1b[A":
      case "k":
        this.#choose(-1);
        break;
      case "\x1b[B":
      case "j":
        this.#choose(1);
        break;
      case "\r":
      case "\n":
        if (this.#open === undefined) this.#openLog();
        else this.#open = undefined;
        break;
      case "q":
      case "\x1b":
        this.#open = undefined;
        break;
    }
    this.#drawSoon();
  }

  /** The next one of those that have begun, or the one before. */
  #choose(step: 1 | -1): void {
    const jobs = this.#begun;
    const chosen = this.#chosen ?? this.#shown()[0]?.label;
    const at = jobs.findIndex(({ label }) => label === chosen) + step;
    this.#chosen = jobs[Math.min(jobs.length - 1, Math.max(0, at))]?.label;
  }

  #openLog(): void {
    const jobs = this.#shown();
    const job = jobs.find(({ label }) => label === this.#chosen) ?? jobs[0];
    if (job === undefined) return;
    this.#chosen = job.label;
    this.#open = job;
    const title = this.#options.paint("bold", `--- ${oneLine(job.label)}`);
    this.#screen.print(`\n${title}\n${this.#logOf(job)}`);
  }

  #follow(event: ExecEvent, { label }: JobHistory): void {
    if (event.type !== "job.output" && event.type !== "job.command") return;
    if (labelOf(event) !== label) return;
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
