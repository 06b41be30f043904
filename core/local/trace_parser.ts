/**
 * Reads a job's trace as it comes: sections, commands as they are echoed, and lines of output. The
 * trace is the only witness of what runs, so that what people see locally is what GitLab would show.
 */

import { ANSI } from "../util/ansi.ts";
import type { ScriptPart } from "./events.ts";

/** A command of the job, in the order of its script. */
export interface KnownCommand {
  /** The whole command, masked as the trace is. */
  readonly text: string;
  readonly script: ScriptPart;
}

export type TracePiece =
  | { readonly kind: "section"; readonly name: string; readonly state: "start" | "end" }
  | { readonly kind: "command"; readonly text: string; readonly script: ScriptPart }
  | {
    readonly kind: "output";
    readonly text: string;
    readonly source: "script" | "runner";
    /** The line had no end yet: the trace is over, or the line is longer than memory is for. */
    readonly partial: boolean;
  };

/** A longer line is handed on in parts. */
const LONGEST_LINE_BYTES = 64 * 1024;

const LINE_FEED = 0x0a;

// deno-lint-ignore no-control-regex -- the markers begin lines with control characters
const MARKER = /section_(start|end):\d+:([^\r[\]\s]+)(?:\[[^\]\r]*\])?\r(?:\x1b\[0K)?/;

/** Build stages whose output is the job's own. */
const SCRIPT_SECTION = /^(?:step_.+|after_script)$/;

/** Lines of the helper's have their fields' names in color. */
// deno-lint-ignore no-control-regex -- colors are made of control characters
const COLOR = /\x1b\[[\d;]*m/g;

/** The runner's own sections; a script's own sections lie within them. */
const RUNNER_SECTION =
  /^(?:prepare_executor|prepare_script|get_sources|restore_cache|download_artifacts|step_.+|after_script|archive_cache\w*|upload_artifacts_\w+|cleanup_file_variables)$/;

export class TraceParser {
  readonly #commands: readonly KnownCommand[];
  readonly #emit: (piece: TracePiece) => void;
  #rest: Buffer = Buffer.alloc(0);
  /** The next command that may be echoed. */
  #next = 0;
  /** Lines of a multi-line echo that are still to come. */
  #echoLines = 0;
  #section = "";
  /** A hook's command was echoed in the section: what follows is its output. */
  #inHook = false;

  constructor(commands: readonly KnownCommand[], emit: (piece: TracePiece) => void) {
    this.#commands = commands;
    this.#emit = emit;
  }

  /** Takes the next bytes of the trace; they are not kept. */
  write(bytes: Uint8Array): void {
    const data = this.#rest.length === 0
      ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      : Buffer.concat([this.#rest, bytes]);
    let start = 0;
    for (let end = data.indexOf(LINE_FEED); end >= 0; end = data.indexOf(LINE_FEED, start)) {
      this.#line(data.toString("utf8", start, end), false);
      start = end + 1;
    }
    while (data.length - start > LONGEST_LINE_BYTES) {
      const end = characterBoundary(data, start + LONGEST_LINE_BYTES);
      this.#line(data.toString("utf8", start, end), true);
      start = end;
    }
    // A copy: the caller may use the bytes again.
    this.#rest = Buffer.from(data.subarray(start));
  }

  /** The trace has come to its end. */
  end(): void {
    const rest = this.#rest.toString("utf8");
    this.#rest = Buffer.alloc(0);
    if (rest !== "") this.#line(rest, true);
  }

  #line(line: string, partial: boolean): void {
    let rest = line;
    for (let match = MARKER.exec(rest); match !== null; match = MARKER.exec(rest)) {
      const before = rest.slice(0, match.index);
      if (before !== "" && before !== ANSI.clearLine) this.#text(before, false);
      this.#mark(match[1] === "start" ? "start" : "end", match[2] ?? "");
      rest = rest.slice(match.index + match[0].length);
      if (rest === "") return;
    }
    this.#text(rest, partial);
  }

  #mark(state: "start" | "end", name: string): void {
    if (RUNNER_SECTION.test(name)) {
      this.#section = state === "start" ? name : "";
      this.#inHook = false;
    }
    this.#emit({ kind: "section", name, state });
  }

  #text(line: string, partial: boolean): void {
    if (this.#echoLines > 0) {
      this.#echoLines--;
      return;
    }
    const command = this.#echoedCommand(line);
    if (command !== undefined) {
      this.#inHook = command.script === "hook";
      this.#emit({ kind: "command", ...command });
      return;
    }
    const own = runnerLine(line);
    if (own !== undefined) this.#inHook = false;
    const isScript = own === undefined && (SCRIPT_SECTION.test(this.#section) || this.#inHook);
    const text = own ?? (isScript ? line : line.replaceAll(COLOR, "").trimEnd());
    this.#emit({ kind: "output", text, source: isScript ? "script" : "runner", partial });
  }

  /** Commands are echoed in their order; one that the shell never reaches is not. */
  #echoedCommand(line: string): KnownCommand | undefined {
    if (!line.startsWith(`${ANSI.notice}$ `)) return undefined;
    for (let at = this.#next; at < this.#commands.length; at++) {
      const command = this.#commands[at];
      const more = command === undefined ? undefined : echoLinesAfter(line, command.text);
      if (more === undefined) continue;
      this.#next = at + 1;
      this.#echoLines = more;
      return command;
    }
    return undefined;
  }
}

/** How many lines of the command's echo follow `line`; undefined when it is not its echo. */
function echoLinesAfter(line: string, command: string): number | undefined {
  const [first = "", ...rest] = command.split("\n");
  const head = `${ANSI.notice}$ ${first}`;
  if (rest.length === 0) return line === `${head}${ANSI.reset}` ? 0 : undefined;
  if (line === `${head} # collapsed multi-line command${ANSI.reset}`) return 0;
  return line === head ? rest.length : undefined;
}

/** The text of a line in one of the runner's styles; undefined for any other line. */
function runnerLine(line: string): string | undefined {
  const style = [ANSI.clearLine, ANSI.notice, ANSI.warning, ANSI.error]
    .find((each) => line.startsWith(each));
  const end = line.trimEnd();
  if (style === undefined || !end.endsWith(ANSI.reset)) return undefined;
  let text = end.slice(style.length);
  if (text.startsWith(ANSI.title)) text = text.slice(ANSI.title.length);
  return text.replaceAll(ANSI.reset, "").trimEnd();
}

/** The last place at or before `at` where no character is cut. */
function characterBoundary(data: Buffer, at: number): number {
  let end = at;
  while (((data[end] ?? 0) & 0xc0) === 0x80) end--;
  return end;
}
