/** Questions on the terminal, answered a line at a time. */

import { RunnerError } from "../../errors.ts";
import { abortable } from "../../util/abort.ts";
import type { TextInput, TextOutput } from "../program.ts";

export interface Question {
  /** The whole line to print. */
  readonly text: string;
  /** What an empty answer means. */
  readonly initial?: string | undefined;
  /** Neither the answer nor `initial` may be seen. */
  readonly secret?: boolean;
  /** An empty answer is fine when there is no `initial`. */
  readonly optional?: boolean;
}

export interface PrompterOptions {
  readonly input: TextInput;
  /** Standard error, as with GitLab Runner: standard output stays free for results. */
  readonly output: TextOutput;
  readonly signal: AbortSignal;
}

const INTERRUPT = "\x03";
const END_OF_INPUT = "\x04";
const ERASE = /[\x7f\b]/;

/** Asks questions in turn. Input that comes ahead of its question is kept for it. */
export class Prompter {
  readonly #options: PrompterOptions;
  readonly #chunks: AsyncIterator<Uint8Array | string>;
  readonly #decoder = new TextDecoder();
  #pending = "";

  constructor(options: PrompterOptions) {
    this.#options = options;
    this.#chunks = options.input[Symbol.asyncIterator]();
  }

  /** Repeats `question` until it is answered. Throws when the input ends or is interrupted. */
  async ask(question: Question): Promise<string> {
    const { initial = "", secret = false } = question;
    while (true) {
      this.#options.output.write(`${question.text}\n`);
      if (initial !== "") this.#options.output.write(`[${secret ? "hidden" : initial}]: `);
      const answer = (secret ? await this.#readSecret() : await this.#readLine(question)).trim();
      if (answer !== "") return answer;
      if (initial !== "" || question.optional === true) return initial;
    }
  }

  async #readLine(question: Pick<Question, "text">): Promise<string> {
    while (!this.#pending.includes("\n")) {
      if (await this.#more()) continue;
      if (this.#pending !== "") break;
      throw inputEnded(question.text);
    }
    const end = this.#pending.indexOf("\n");
    const line = end < 0 ? this.#pending : this.#pending.slice(0, end);
    this.#pending = end < 0 ? "" : this.#pending.slice(end + 1);
    return line;
  }

  /** On a terminal, keys arrive one by one and unseen; elsewhere a secret is a line like any other. */
  async #readSecret(): Promise<string> {
    const { input, output } = this.#options;
    if (input.isTTY !== true || input.setRawMode === undefined) {
      return await this.#readLine({ text: "the token or password" });
    }
    input.setRawMode(true);
    try {
      return await this.#readKeys();
    } finally {
      input.setRawMode(false);
      output.write("\n");
    }
  }

  async #readKeys(): Promise<string> {
    let typed = "";
    while (true) {
      for (const key of this.#pending) {
        this.#pending = this.#pending.slice(key.length);
        if (key === "\r" || key === "\n") return typed;
        if (key === INTERRUPT || key === END_OF_INPUT) throw new RunnerError("Interrupted");
        typed = ERASE.test(key) ? typed.slice(0, -1) : typed + key;
      }
      if (!await this.#more()) throw inputEnded("the token or password");
    }
  }

  /** Takes in the next chunk; false at the end of the input. */
  async #more(): Promise<boolean> {
    const { done, value } = await abortable(this.#chunks.next(), this.#options.signal);
    if (done === true) return false;
    this.#pending += typeof value === "string"
      ? value
      : this.#decoder.decode(value, { stream: true });
    return true;
  }
}

function inputEnded(question: string): RunnerError {
  return new RunnerError(
    `Input ended before "${question}" was answered; give the answers as flags with --non-interactive`,
  );
}
