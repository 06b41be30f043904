/** Contract of a command: its flags and help as data, and what it does. */

import type { HelperCommand } from "../helper/helper_command.ts";
import type { Logger } from "../log/logger.ts";
import type { ProcessLog } from "../log/process_log.ts";
import type { Flag, FlagValues } from "./flag.ts";
import type { Program } from "./program.ts";

/** What a command has at hand besides its flags. */
export interface CommandContext {
  readonly program: Program;
  /** Settings that the command line pinned stay, whatever the configuration says. */
  readonly log: ProcessLog;
  readonly logger: Logger;
}

/** A command once it is loaded. */
export interface Command {
  /** Paragraphs of help, below the summary. */
  readonly description: string;
  readonly flags: readonly Flag[];
  /** Command lines without the program's name, each with what it does. */
  readonly examples: readonly (readonly [line: string, purpose: string])[];
  /** Exit code of a command line that cannot be understood; otherwise 1, as with GitLab Runner. */
  readonly usageCode?: number;
  /** Tells what is wrong with a command line; on standard error, as of all commands, without it. */
  readonly tellMistake?: (what: string, args: readonly string[], program: Program) => void;
  /** Prints results for other programs: no start-up line in the log. */
  readonly quiet?: true;
  /** Names of words that follow the flags; all are required. */
  readonly operands?: readonly string[];
  /** Name of words of which any number may follow. */
  readonly moreOperands?: string;
  /** Resolves with the exit code. A RunnerError it throws is printed and ends in exit code 1. */
  run(flags: FlagValues, context: CommandContext, operands: readonly string[]): Promise<number>;
}

/** A row of the command table: enough to list a command without loading it. */
export interface CommandEntry {
  readonly name: string;
  readonly group: string;
  readonly summary: string;
  /** A command that job scripts call: it starts fast and parses its own flags. */
  readonly helper?: () => Promise<HelperCommand>;
  /** A command whose words are not flags of ours: it gets them as they are. */
  readonly raw?: () => Promise<(words: readonly string[], program: Program) => Promise<number>>;
  /** `args` are what follows the command's name: a command may need its flags for them alone. */
  readonly load?: (args: readonly string[]) => Promise<Command>;
}
