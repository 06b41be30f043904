/** Runs one command: its arguments, its log, its errors. */

import { messageOf } from "../errors.ts";
import type { Logger } from "../log/logger.ts";
import { buildInfo, goPlatform } from "../version.ts";
import type { Command, CommandEntry } from "./command.ts";
import { type Flag, FlagValues } from "./flag.ts";
import { GLOBAL_FLAGS, GLOBAL_GROUP } from "./global_flags.ts";
import { normalizeArguments, type NormalizedArguments } from "./normalize.ts";
import { openLog } from "./open_log.ts";
import {
  examplesText,
  flagTerm,
  heading,
  newParser,
  parseArguments,
  type Parsed,
  type Parser,
} from "./parser.ts";
import type { Program } from "./program.ts";

/** Resolves with the exit code. Errors are logged as one line, with their stack only at debug. */
export async function runCommand(
  entry: CommandEntry,
  command: Command,
  options: NormalizedArguments & { readonly program: Program },
): Promise<number> {
  const { program } = options;
  const flags = [...command.flags, ...GLOBAL_FLAGS];
  const { args, suspicious } = normalizeArguments(options.args, flags);
  const parsed = parseCommand(entry, command, { args, flags, program });
  if (parsed.kind === "exit") return parsed.code === 0 ? 0 : command.usageCode ?? parsed.code;

  const values = new FlagValues(
    new Map([...environmentValues(flags, program.env), ...parsed.values]),
  );
  const log = attempt(() => openLog(values, program));
  if (log instanceof Error) {
    program.stderr.write(`${program.calledAs}: ${log.message}\n`);
    return 1;
  }
  const { logger } = log;
  if (command.quiet !== true) logRuntimePlatform(logger);
  for (const words of [...options.suspicious, ...suspicious]) {
    logger.warning(`A boolean flag takes its value behind "=": "${words}" is taken as true`);
  }
  try {
    return await command.run(values, { program, log, logger }, parsed.operands);
  } catch (error) {
    logger.fatal(messageOf(error));
    if (error instanceof Error && error.stack) logger.debug(error.stack);
    return 1;
  }
}

function parseCommand(
  entry: CommandEntry,
  command: Command,
  options: { args: readonly string[]; flags: readonly Flag[]; program: Program },
): Parsed {
  const { program } = options;
  const showAll = options.args.includes("--help-all");
  const flags = showAll
    ? options.flags.map((flag) => ({ ...flag, advanced: false }))
    : options.flags;
  const parser = commandParser(entry, command, { flags, program });
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
  if (command.flags.some((flag) => flag.advanced === true)) {
    parser.optionsGroup(heading(GLOBAL_GROUP)).option(
      "--help-all",
      "Show this help with every flag there is",
    );
  }
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

/** Values of the variables that flags may be set by; an empty variable counts as unset. */
function environmentValues(
  flags: readonly Flag[],
  env: Program["env"],
): (readonly [string, readonly string[]])[] {
  return flags.flatMap((flag) => {
    const value = flag.env === undefined ? undefined : env[flag.env];
    return value ? [[flag.names[0], [value]] as const] : [];
  });
}

/** The first line of every command's log: what runs, and as which process. */
function logRuntimePlatform(logger: Logger): void {
  const { os, arch } = goPlatform();
  const { revision, version } = buildInfo;
  logger.info("Runtime platform", { arch, os, pid: process.pid, revision, version });
}

function attempt<T>(make: () => T): T | Error {
  try {
    return make();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
