import { describe, expect, test } from "bun:test";
import {
  type KnownCommand,
  TraceParser,
  type TracePiece,
} from "../../../core/local/trace_parser.ts";

/** As a runner wrote it: two commands, one of them of many lines, and a failing after_script. */
const TRACE = "\x1b[0KRunning with gitlab-runner 19.4.0 (abcdef12)\x1b[0;m\n" +
  'section_start:1795463509:prepare_executor\r\x1b[0K\x1b[0K\x1b[36;1mPreparing the "shell" ' +
  "executor\x1b[0;m\x1b[0;m\n" +
  "\x1b[0KUsing Shell (bash) executor...\x1b[0;m\n" +
  "section_end:1795463509:prepare_executor\r\x1b[0K" +
  'section_start:1795463509:step_script\r\x1b[0K\x1b[0K\x1b[36;1mExecuting "step_script" stage ' +
  "of the job script\x1b[0;m\x1b[0;m\n" +
  "\x1b[32;1m$ echo before\x1b[0;m\nbefore\n" +
  "\x1b[32;1m$ echo one # collapsed multi-line command\x1b[0;m\none\n" +
  "\x1b[32;1m$ not a command of the job\x1b[0m\n" +
  "no line end" +
  "section_end:1795463509:step_script\r\x1b[0K" +
  "section_start:1795463509:after_script\r\x1b[0K\x1b[0K\x1b[36;1mRunning after_script\x1b[0;m" +
  "\x1b[0;m\n" +
  "\x1b[32;1mRunning after script...\x1b[0;m\n" +
  "\x1b[32;1m$ false\x1b[0;m\n" +
  "\x1b[0;33mWARNING: after_script failed, but job will continue unaffected: exit status 1" +
  "\x1b[0;m\n" +
  "section_end:1795463509:after_script\r\x1b[0K\x1b[31;1mERROR: Job failed: exit status 7\x1b[0;m\n";

const COMMANDS: readonly KnownCommand[] = [
  { text: "echo before", script: "before_script" },
  { text: "echo one\necho two", script: "script" },
  { text: "false", script: "after_script" },
];

const EXPECTED: readonly TracePiece[] = [
  line("Running with gitlab-runner 19.4.0 (abcdef12)", "runner"),
  { kind: "section", name: "prepare_executor", state: "start" },
  line('Preparing the "shell" executor', "runner"),
  line("Using Shell (bash) executor...", "runner"),
  { kind: "section", name: "prepare_executor", state: "end" },
  { kind: "section", name: "step_script", state: "start" },
  line('Executing "step_script" stage of the job script', "runner"),
  { kind: "command", text: "echo before", script: "before_script" },
  line("before", "script"),
  { kind: "command", text: "echo one\necho two", script: "script" },
  line("one", "script"),
  line("\x1b[32;1m$ not a command of the job\x1b[0m", "script"),
  line("no line end", "script"),
  { kind: "section", name: "step_script", state: "end" },
  { kind: "section", name: "after_script", state: "start" },
  line("Running after_script", "runner"),
  line("Running after script...", "runner"),
  { kind: "command", text: "false", script: "after_script" },
  line(
    "WARNING: after_script failed, but job will continue unaffected: exit status 1",
    "runner",
  ),
  { kind: "section", name: "after_script", state: "end" },
  line("ERROR: Job failed: exit status 7", "runner"),
];

describe("TraceParser", () => {
  test("tells sections, commands and whose output a line is", () => {
    expect(parse([Buffer.from(TRACE)], COMMANDS)).toEqual([...EXPECTED]);
  });

  test("does not depend on how the trace is cut", () => {
    const bytes = Buffer.from(TRACE);
    for (const size of [1, 2, 7, 64]) {
      const chunks = [];
      for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
      expect(parse(chunks, COMMANDS)).toEqual([...EXPECTED]);
    }
  });

  test("takes the colors out of what the helper says", () => {
    const trace = "\x1b[31;1mERROR: Uploading... 400 Bad Request\x1b[0;m  " +
      "\x1b[31;1merror\x1b[0;m=Invalid Format \x1b[31;1mid\x1b[0;m=1\n";
    expect(parse([Buffer.from(trace)], [])).toEqual([
      line("ERROR: Uploading... 400 Bad Request  error=Invalid Format id=1", "runner"),
    ]);
  });

  test("keeps nothing of the bytes that it was given", () => {
    const pieces: TracePiece[] = [];
    const parser = new TraceParser([], (piece) => pieces.push(piece));
    const chunk = Buffer.from("half a li");
    parser.write(chunk);
    chunk.fill("x");
    parser.write(Buffer.from("ne\n"));
    expect(pieces).toEqual([line("half a line", "runner")]);
  });

  test("hands on a line that never ends in parts, with no character cut", () => {
    const pieces = parse([Buffer.from("é".repeat(100_000))], []);
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.every((piece) => piece.kind === "output" && piece.partial)).toBe(true);
    const text = pieces.map((piece) => piece.kind === "output" ? piece.text : "").join("");
    expect(text).toBe("é".repeat(100_000));
  });

  test("marks the last line as partial when it has no end", () => {
    expect(parse([Buffer.from("a\nb")], [])).toEqual([
      line("a", "runner"),
      { kind: "output", text: "b", source: "runner", partial: true },
    ]);
  });

  test("takes the lines of an echo in full for one command", () => {
    const trace = "section_start:1:step_script\r\x1b[0K\x1b[0K\x1b[36;1mx\x1b[0;m\x1b[0;m\n" +
      "\x1b[32;1m$ echo one\necho two\x1b[0;m\none\n";
    expect(parse([Buffer.from(trace)], COMMANDS).slice(2)).toEqual([
      { kind: "command", text: "echo one\necho two", script: "script" },
      line("one", "script"),
    ]);
  });
});

function parse(chunks: readonly Uint8Array[], commands: readonly KnownCommand[]): TracePiece[] {
  const pieces: TracePiece[] = [];
  const parser = new TraceParser(commands, (piece) => pieces.push(piece));
  for (const chunk of chunks) parser.write(chunk);
  parser.end();
  return pieces;
}

function line(text: string, source: "script" | "runner"): TracePiece {
  return { kind: "output", text, source, partial: false };
}
