/** What `register` needs to know: from flags, from a template, or by asking. */

import { ConfigurationError } from "../../errors.ts";
import type { FlagValues } from "../flag.ts";
import type { Prompter, Question } from "./prompter.ts";

/** Where answers come from. */
export interface Answers {
  /** The value of flag `name`, asked for with `question` unless prompts are off. Trimmed. */
  ask(name: string, question: Omit<Question, "initial">, offered?: string): Promise<string>;
  readonly interactive: boolean;
}

/**
 * Answers of one run. With prompts, a flag's value (or else `offered`) is what an empty answer
 * means; without, it is the answer, and a missing one that is not optional is a ConfigurationError.
 */
export function answers(flags: FlagValues, prompter: Prompter | undefined): Answers {
  return {
    interactive: prompter !== undefined,
    async ask(name, question, offered = "") {
      const initial = (flags.text(name) ?? "").trim() || offered;
      if (prompter !== undefined) return await prompter.ask({ ...question, initial });
      if (initial !== "" || question.optional === true) return initial;
      throw new ConfigurationError(
        `The ${name} needs to be entered: give --${name}, or leave out --non-interactive`,
      );
    },
  };
}
