import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ExecEvent, UntimedEvent } from "../../../../core/local/events.ts";
import { LiveView } from "../../../../core/local/views/live_view.ts";
import { painter, withoutEscapes } from "../../../../core/local/views/paint.ts";

const JOB = { job: "unit", stage: "test", pipeline: [] };

test("LiveView shows each job with its last line, and its whole log by key", async () => {
  using lab = new ViewLab();
  lab.started();
  lab.tell({ type: "job.command", ...JOB, text: "make", script: "script" });
  lab.tell(output("half\rdone"));
  await lab.until((text) => text.includes("unit") && text.includes("done"));
  writeFileSync(join(lab.directory, "7-unit.1.log"), "section_start:1:x\r\x1b[0Kall of it\n");
  lab.press("\r");
  await lab.until((text) => text.includes("--- unit\nall of it\n"));
  lab.tell(output("next line"));
  await lab.until((text) => text.endsWith("next line\n  unit: enter: back, ctrl-c: stop\n"));
  lab.press("\r");
  await lab.until((text) => text.trimEnd().endsWith("ctrl-c: stop"));
});

test("LiveView shows no more than the terminal has room for, those that run first", async () => {
  using lab = new ViewLab({ rows: 6 });
  for (const job of ["one", "two", "three", "four", "five"]) lab.started(job);
  for (const job of ["two", "three", "four", "five"]) lab.finished(job);
  await lab.until((text) => text.includes("4 done"));
  const frame = lab.text.slice(lab.text.lastIndexOf("▶ one"));
  expect(frame.split("\n").slice(0, -1).map((line) => line.trim().split(/ {2,}/)[0])).toEqual([
    "▶ one",
    "✔ four",
    "✔ five",
    "5 jobs: 4 done, 1 running, 0 waiting",
    "↑ ↓ choose a job, enter: its log, ctrl-c: stop",
  ]);
});

test("LiveView takes ctrl-c for an interrupt, and gives the terminal back", async () => {
  using lab = new ViewLab();
  lab.started();
  lab.press("\x03");
  await lab.interrupted;
  await lab.until((text) => text.includes("stopping (ctrl-c again: leave at once)"));
  lab.view[Symbol.dispose]();
  expect(lab.rawModes).toEqual([true, false]);
});

test("LiveView ends with the summary", () => {
  using lab = new ViewLab();
  lab.started();
  lab.tell({ type: "job.command", ...JOB, text: "make", script: "script" });
  lab.tell(output("it broke"));
  lab.tell({
    type: "job.finished",
    ...JOB,
    status: "failed",
    blocked: false,
    exit_code: 2,
    failure_reason: "script_failure",
    allow_failure: false,
    attempt: 1,
    duration_ms: 1234,
    coverage: null,
    script: "script",
    after_script_exit_code: null,
    environment: null,
  });
  lab.view.finish({
    status: "failed",
    exitCode: 1,
    durationMs: 1500,
    criticalPath: { jobs: ["unit"], durationMs: 1234 },
    junit: { tests: 3, failures: 1, errors: 0, skipped: 0 },
    directory: "/logs",
  });
  expect(lab.text).toEndWith(
    "✘ unit (test) 1.2 s, exit code 2\n\nunit failed\n  $ make\n  it broke\n\n" +
      "Tests: 3, failures: 1, errors: 0, skipped: 0\nLogs: /logs\n" +
      "Pipeline failed: 1 job in 1.5 s\n",
  );
});

test("LiveView keeps the chosen job where it is, and reaches those that are not shown", async () => {
  using lab = new ViewLab({ rows: 5 });
  for (const job of ["one", "two", "three"]) lab.started(job);
  lab.finished("one");
  await lab.until((text) => text.includes("› ▶ two"));
  lab.press("k");
  await lab.until((text) => text.includes("› ✔ one"));
  lab.finished("two");
  lab.finished("three");
  const before = lab.text.length;
  lab.press("x");
  await lab.until((text) => text.slice(before).includes("3 done"));
  expect(lab.text.slice(before)).toContain("› ✔ one");
});

test("LiveView fits names and lines into any terminal", async () => {
  using lab = new ViewLab({ columns: 30 });
  lab.started("日本語のジョブ");
  lab.started("🚀 a job with a long name: [linux, x64]");
  lab.tell(output("\x1b[31ma\tlong line, longer than there is room for", "日本語のジョブ"));
  await lab.until((text) => text.includes("choose"));
  const lines = lab.text.split("\n").filter((line) => line.includes("▶"));
  expect(lines.slice(-2).map((line) => line.replace(/\d\.\d s/, "N s"))).toEqual([
    "› ▶ 日本語…ジョブ    N s  …",
    "  ▶ 🚀 a j…, x64]    N s  …",
  ]);
});

function output(text: string, job = JOB.job): UntimedEvent {
  return { type: "job.output", ...JOB, job, text, source: "script", stream: null, partial: false };
}

class ViewLab implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), "live-view-"));
  readonly rawModes: boolean[] = [];
  readonly view: LiveView;
  readonly interrupted: Promise<void>;
  text = "";
  #onText: () => void = () => {};
  #press: (key: string) => void = () => {};

  constructor({ rows, columns = 80 }: { readonly rows?: number; readonly columns?: number } = {}) {
    const interrupted = Promise.withResolvers<void>();
    this.interrupted = interrupted.promise;
    const pressed = new ReadableStream<string>({
      start: (controller) => {
        this.#press = (key) => controller.enqueue(key);
      },
    });
    this.view = new LiveView({
      output: {
        columns,
        ...(rows === undefined ? {} : { rows }),
        write: (text) => {
          this.text += withoutEscapes(text);
          this.#onText();
        },
      },
      keys: Object.assign(pressed, { setRawMode: (raw: boolean) => this.rawModes.push(raw) }),
      paint: painter(false),
      directory: this.directory,
      onInterrupt: interrupted.resolve,
    });
  }

  started(job = JOB.job): void {
    const which = { ...JOB, job };
    this.tell({
      type: "job.created",
      ...which,
      when: "on_success",
      allow_failure: false,
      needs: null,
    });
    this.tell({ type: "job.started", ...which, attempt: 1, executor: "shell", image: null });
  }

  finished(job: string): void {
    this.tell({
      type: "job.finished",
      ...JOB,
      job,
      status: "success",
      blocked: false,
      exit_code: 0,
      failure_reason: null,
      allow_failure: false,
      attempt: 1,
      duration_ms: 10,
      coverage: null,
      script: null,
      after_script_exit_code: null,
      environment: null,
    });
  }

  tell(event: UntimedEvent): void {
    this.view.event({ time: "2026-01-01T00:00:00.000Z", ...event } as ExecEvent);
  }

  press(key: string): void {
    this.#press(key);
  }

  async until(holds: (text: string) => boolean): Promise<void> {
    while (!holds(this.text)) await new Promise<void>((resolve) => this.#onText = resolve);
  }

  [Symbol.dispose](): void {
    this.view[Symbol.dispose]();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
