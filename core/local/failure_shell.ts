/** A shell in a job that has failed (`--shell-on-failure`), for whoever sits at the terminal. */

import { ConfigurationError } from "../errors.ts";
import type { StageCommand } from "../executor.ts";
import type { FailedJob } from "../run/failed_job.ts";
import { runOnTerminal } from "../util/process_terminal.ts";
import { inheritedEnvironment } from "../util/inherited_environment.ts";
import { unnamedFile } from "../util/unnamed_file.ts";
import { type UserTerminal, useTerminal } from "./user_terminal.ts";
import type { ViewOutput } from "./views/view.ts";

export interface FailureShellOptions {
  /** As the shell executor's jobs inherit it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly output: ViewOutput;
  /** Private: the script, with the job's secrets, passes through it. */
  readonly directory: string;
  readonly terminal: UserTerminal;
}

const MARK = "RUNNER_SHELL_MARK";

/** Opens one at a time: only one job may run where it is used. */
export class FailureShell {
  readonly #options: FailureShellOptions;

  constructor(options: FailureShellOptions) {
    this.#options = options;
  }

  /** `command` is what failed, masked. Resolves when the shell has been left. */
  async open(
    failed: FailedJob,
    { job, command }: { readonly job: string; readonly command: string | undefined },
    { signal }: { signal: AbortSignal },
  ): Promise<void> {
    const { output, terminal } = this.#options;
    output.write(
      `\n${job} failed: ${failed.why}\n${command === undefined ? "" : `$ ${command}\n`}`,
    );
    output.write("This shell has the job's directory and variables; leave it to go on.\n");
    const shell = failed.shell(terminal.type);
    const { openTerminal } = failed;
    if (openTerminal === undefined) await this.#openHere(shell, signal);
    else await useTerminal(terminal, (screen) => openTerminal(shell, { ...screen, signal }));
  }

  async #openHere({ script, invocation }: StageCommand, signal: AbortSignal): Promise<void> {
    const { env, directory } = this.#options;
    if (invocation.script.kind !== "stdin") {
      throw new ConfigurationError(`There is no shell on failure for ${invocation.argv[0]}`);
    }
    using input = unnamedFile(script, directory);
    await runOnTerminal({
      argv: invocation.argv,
      cwd: directory,
      env: inheritedEnvironment(env),
      mark: { name: MARK, value: crypto.randomUUID() },
      stdin: input.descriptor,
    }, { signal });
  }
}
