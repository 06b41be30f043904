/** `register`: a runner at GitLab and its entry in config.toml. */

import { type Answers, answers } from "../register/answers.ts";
import type { Command, CommandContext } from "../command.ts";
import { configFile } from "../config_file.ts";
import type { FlagValues } from "../flag.ts";
import { interruptSignal } from "../interrupt.ts";
import { Prompter } from "../register/prompter.ts";
import { registerRunner } from "../register/register_runner.ts";
import { registerFlags } from "../register/register_flags.ts";
import { logUserMode } from "../user_mode.ts";

export const registerCommand: Command = {
  description:
    "Asks for what is not given, has GitLab confirm the token, and adds an entry to the " +
    "configuration file. A running `run` picks the new entry up by itself. Create the runner in " +
    "GitLab first and use its authentication token (glrt-…) with --token; registration tokens " +
    "(--registration-token) are accepted where GitLab still has them.",
  flags: registerFlags(),
  examples: [
    ["register", "Answer questions"],
    [
      'register -n --url https://gitlab.example.com --token "$TOKEN" --executor shell',
      "A shell runner, without questions",
    ],
    [
      'register -n --url https://gitlab.example.com --token "$TOKEN" --executor docker \\\n' +
      "    --docker-image alpine:3.22 --docker-volumes /var/run/docker.sock:/var/run/docker.sock",
      "A docker runner whose jobs use the host's engine",
    ],
    [
      'register -n --url https://gitlab.example.com --token "$TOKEN" --executor docker \\\n' +
      "    --template-config /etc/gitlab-runner/template.toml",
      "Settings without a flag come from a template",
    ],
  ],
  async run(flags, context) {
    logUserMode(context);
    using interruption = interruptSignal(context.program);
    await registerRunner(flags, context, {
      configPath: configFile(flags, context.program),
      answers: answersFor(flags, context, interruption.signal),
      signal: interruption.signal,
    });
    return 0;
  },
};

function answersFor(flags: FlagValues, { program }: CommandContext, signal: AbortSignal): Answers {
  const prompter = flags.bool("non-interactive")
    ? undefined
    : new Prompter({ input: program.stdin, output: program.stderr, signal });
  return answers(flags, prompter);
}
