/** A command's arguments through the parser, for its help and its usage errors. */

import type { Command, CommandEntry } from "./command.ts";
import type { Flag } from "./flag.ts";
import { GLOBAL_GROUP } from "./global_flags.ts";
import {
  examplesText,
  flagTerm,
  newParser,
  parseArguments,
  type Parsed,
  type Parser,
} from "./parser.ts";
import type { Program } from "./program.ts";

/** Never parsed: whoever gives it asks for help. */
const HELP_ALL: Flag = {
  names: ["help-all"],
  kind: "bool",
  help: "Show this help with every flag there is",
  group: GLOBAL_GROUP,
};

/** `flags` are all that the command takes. Help and usage errors are printed here. */
export function parseCommand(
  entry: CommandEntry,
  command: Command,
  options: { args: readonly string[]; flags: readonly Flag[]; program: Program },
): Parsed {
  const { program } = options;
  const showAll = options.args.includes("--help-all");
  const hides = options.flags.some((flag) => flag.advanced === true);
  // Groups come in the order of their first flag, and the global ones belong at the end.
  const known = hides ? [...options.flags, HELP_ALL] : options.flags;
  const flags = showAll ? known.map((flag) => ({ ...flag, advanced: false })) : known;
  const parser = commandParser(entry, command, { flags, program });
  const { tellMistake } = command;
  if (tellMistake !== undefined) {
    const outputError = (text: string) =>
      tellMistake(text.replace(/^error: /, "").trim(), options.args, program);
    parser.configureOutput({ outputError });
  }
  return parseArguments(parser, flags, showAll ? ["--help"] : options.args);
}

function commandParser(
  entry: CommandEntry,
  command: Command,
  options: { flags: readonly Flag[]; program: Program },
): Parser {
  const { flags, program } = options;
  const terms = new Map(flags.map((flag) => [`--${flag.names[0]}`, flagTerm(flag)]));
  const parser = newParser(`${program.calledAs} ${entry.name}`, program)
    .usage(["[flags]", ...operandTerms(command)].join(" "))
    .description(`${entry.summary}.\n\n${command.description}`)
    .allowExcessArguments(false)
    .addHelpText("after", examplesText(command, program.calledAs));
  for (const term of operandTerms(command)) parser.argument(term);
  parser.configureHelp({
    ...parser.configureHelp(),
    optionTerm: (option) =>
      terms.get(option.long ?? "") ?? `    ${option.flags}`.replace("    -h", "-h"),
  });
  return parser;
}

function operandTerms({ operands = [], moreOperands }: Command): readonly string[] {
  const required = operands.map((name) => `<${name}>`);
  return moreOperands === undefined ? required : [...required, `[${moreOperands}...]`];
}
