/** The parser behind help texts and usage errors: commander, set up from our flags. */

import { Command as Parser, CommanderError, Option } from "commander";
import { wantsColors } from "../log/colors.ts";
import type { Command } from "./command.ts";
import type { Flag } from "./flag.ts";
import { GLOBAL_GROUP } from "./global_flags.ts";
import type { Program } from "./program.ts";

/** Lines longer than this are hard to read, however wide the terminal is. */
const WIDEST_HELP = 110;
/** Where output is not a terminal, help has the width that pages and pagers expect. */
const PLAIN_WIDTH = 80;

export { Parser };

/** A parser that prints to the program's streams and never ends the process. */
export function newParser(name: string, program: Program): Parser {
  const width = (stream: Program["stdout"]) =>
    stream.isTTY ? Math.min(stream.columns ?? PLAIN_WIDTH, WIDEST_HELP) : PLAIN_WIDTH;
  return new Parser(name)
    .exitOverride()
    .addHelpOption(new Option("-h, --help", "Show this help").helpGroup(heading(GLOBAL_GROUP)))
    .helpCommand(false)
    .configureOutput({
      writeOut: (text) => void program.stdout.write(text),
      writeErr: (text) => void program.stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, `${program.calledAs}: `)),
      getOutHelpWidth: () => width(program.stdout),
      getErrHelpWidth: () => width(program.stderr),
      getOutHasColors: () => wantsColors(program.stdout, program.env),
      getErrHasColors: () => wantsColors(program.stderr, program.env),
    })
    .configureHelp({ styleTitle: bold });
}

/** Makes a title stand out; the parser strips it where there are no colours. */
function bold(text: string): string {
  return `\x1b[1m${text}\x1b[0m`;
}

/** What a parser made of its arguments. */
export type Parsed =
  | {
    readonly kind: "values";
    readonly values: ReadonlyMap<string, readonly string[]>;
    readonly operands: readonly string[];
  }
  | { readonly kind: "exit"; readonly code: number };

/** Parses normalized arguments. Help and usage errors are printed here and end in an exit code. */
export function parseArguments(
  parser: Parser,
  flags: readonly Flag[],
  args: readonly string[],
): Parsed {
  const options = toldFlags(flags, args).map((flag) => addFlag(parser, flag));
  try {
    parser.parse([...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { kind: "exit", code: error.code === "commander.helpDisplayed" ? 0 : 1 };
  }
  const given = parser.opts<Readonly<Record<string, readonly string[] | undefined>>>();
  const values = new Map<string, readonly string[]>();
  for (const { flag, option } of options) {
    const texts = given[option.attributeName()];
    if (texts !== undefined) values.set(flag.names[0], texts);
  }
  return { kind: "values", values, operands: parser.args };
}

/**
 * The flags that the parser has to know: those that are given, or all of them for help and to find
 * out what was mistyped. Some commands have hundreds, and telling the parser takes a while.
 */
function toldFlags(flags: readonly Flag[], args: readonly string[]): readonly Flag[] {
  const given = new Set(
    args.filter((arg) => arg.startsWith("-")).map((arg) => arg.split("=", 1)[0] ?? ""),
  );
  const known = flags.filter(({ names }) => given.delete(`--${names[0]}`));
  return given.size === 0 ? known : flags;
}

function addFlag(parser: Parser, flag: Flag): { flag: Flag; option: Option } {
  const option = new Option(`--${flag.names[0]} <value>`, flagHelp(flag))
    .argParser((text: string, previous: readonly string[] | undefined) => [
      ...(previous ?? []),
      text,
    ]);
  // A name that begins with `no-` is a name like any other.
  option.negate = false;
  option.helpGroup(heading(flag.group ?? "Flags"));
  if (flag.advanced === true) option.hideHelp();
  parser.addOption(option);
  return { flag, option };
}

/** The heading of a group of flags in help. */
export function heading(group: string): string {
  return `${group}:`;
}

function flagHelp(flag: Flag): string {
  const notes = [
    ...(flag.kind === "list" || flag.kind === "map" ? ["repeatable"] : []),
    ...(flag.default === undefined ? [] : [`default: ${flag.default}`]),
    ...(flag.env === undefined ? [] : [`env: ${flag.env}`]),
  ];
  return notes.length === 0 ? flag.help : `${flag.help} (${notes.join("; ")})`;
}

/** How a flag is written in help: all its names, and what follows it. */
export function flagTerm(flag: Flag): string {
  const names = [
    ...(flag.short === undefined ? [] : [`-${flag.short}`]),
    ...flag.names.map((name) => `--${name}`),
  ].join(", ");
  return `${flag.short === undefined ? "    " : ""}${names}${PLACEHOLDERS[flag.kind]}`;
}

const PLACEHOLDERS: Readonly<Record<Flag["kind"], string>> = {
  string: " <text>",
  int: " <number>",
  bool: "",
  list: " <text>",
  map: " <key:value>",
};

/** The examples of a command, as the last part of its help. */
export function examplesText(command: Pick<Command, "examples">, calledAs: string): string {
  if (command.examples.length === 0) return "";
  const lines = command.examples
    .map(([line, purpose]) => `  # ${purpose}\n  ${calledAs} ${line}`.trimEnd());
  return `\n${bold("Examples:")}\n${lines.join("\n\n")}\n`;
}
