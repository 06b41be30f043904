/** The program's own help, and what it says to a command it does not know. */

import { commandTable } from "./commands.ts";
import { GLOBAL_FLAGS, GLOBAL_GROUP } from "./global_flags.ts";
import {
  examplesText,
  flagTerm,
  heading,
  newParser,
  parseArguments,
  type Parser,
} from "./parser.ts";
import type { Program } from "./program.ts";
import { runCommand } from "./run_command.ts";
import { runHelperCommand } from "./run_helper.ts";

const EXAMPLES: readonly (readonly [string, string])[] = [
  ["register", "Add a runner to config.toml, answering questions"],
  ["run", "Take jobs for every runner in config.toml"],
  ["verify", "See whether GitLab still knows these runners"],
  ["help register", "Learn about one command"],
];

/** As with GitLab Runner. */
const HELP = ["help", "h"];

/** Handles arguments that name no command: `help [command]`, help flags, mistakes, nothing. */
export async function runRoot(args: readonly string[], program: Program): Promise<number> {
  const wantsHelp = args[0] === undefined || HELP.includes(args[0]);
  if (wantsHelp && args.length > 1) {
    const entry = commandTable(program).find(({ name }) => name === args[1]);
    if (entry?.load !== undefined) {
      return await runCommand(entry, await entry.load(["--help"]), {
        args: ["--help"],
        suspicious: [],
        program,
      });
    }
    if (entry?.helper !== undefined) {
      return await runHelperCommand(await entry.helper(), ["--help"], program);
    }
    if (entry?.raw !== undefined) return await (await entry.raw())(["--help"], program);
    return parse(rootParser(program), args.slice(1));
  }
  return parse(rootParser(program), wantsHelp ? ["--help"] : args);
}

function parse(parser: Parser, args: readonly string[]): number {
  const parsed = parseArguments(parser, GLOBAL_FLAGS, args);
  return parsed.kind === "exit" ? parsed.code : 0;
}

function rootParser(program: Program): Parser {
  const terms = new Map(GLOBAL_FLAGS.map((flag) => [`--${flag.names[0]}`, flagTerm(flag)]));
  const parser = newParser(program.calledAs, program)
    .usage("[global flags] <command> [flags]")
    .description("Runs GitLab CI/CD jobs.")
    .optionsGroup(heading(GLOBAL_GROUP))
    .option("-v, --version", "Print what this build is")
    .showHelpAfterError(`(${program.calledAs} help lists the commands)`)
    .addHelpText("after", examplesText({ examples: EXAMPLES }, program.calledAs));
  parser.configureHelp({
    ...parser.configureHelp(),
    optionTerm: (option) => terms.get(option.long ?? "") ?? option.flags,
  });
  for (const { name, summary, group } of commandTable(program)) {
    parser.command(name).summary(summary).helpGroup(group).helpOption(false);
  }
  return parser;
}
