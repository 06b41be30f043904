/** `completion bash|zsh|fish`: a script that completes commands and flags. */

import { ConfigurationError } from "../../errors.ts";
import type { Command } from "../command.ts";
import { commandTable } from "../commands.ts";
import { completionScript, isCompletionShell } from "../completion_script.ts";

export const completionCommand: Command = {
  description:
    "The script goes to standard output. It completes the name this program was called by.",
  flags: [],
  operands: ["bash|zsh|fish"],
  quiet: true,
  examples: [
    [
      "completion bash > /etc/bash_completion.d/gitlab-runner",
      "bash, for everybody on this machine",
    ],
    ['completion zsh > "${fpath[1]}/_gitlab-runner"', "zsh"],
    ["completion fish > ~/.config/fish/completions/gitlab-runner.fish", "fish"],
  ],
  async run(_flags, { program }, [shell = ""]) {
    if (!isCompletionShell(shell)) {
      throw new ConfigurationError(`There is no completion for "${shell}": use bash, zsh or fish`);
    }
    program.stdout.write(await completionScript(shell, program.calledAs, commandTable(program)));
    return 0;
  },
};
