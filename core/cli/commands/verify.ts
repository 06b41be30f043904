/** `verify`: does GitLab still know the runners of config.toml? */

import type { RunnerConfig } from "../../config/schema.ts";
import { RunnerError } from "../../errors.ts";
import { runnerInfo } from "../../runner/announce.ts";
import type { Command, CommandContext } from "../command.ts";
import { removeFromConfig } from "../config_changes.ts";
import { CONFIG_FLAG, configFile } from "../config_file.ts";
import {
  callCoordinator,
  isCreatedToken,
  type ManagerIdentity,
  managerIdentity,
  refusal,
  runnerFields,
} from "../connect.ts";
import { NAME_FLAG, selectorOf, selectRunners, TOKEN_FLAG, URL_FLAG } from "../selection.ts";

export const verifyCommand: Command = {
  description:
    "Asks for every runner, or for those that match the flags. Exits with 1 when one is not valid " +
    "or its GitLab cannot be reached. With --delete, runners that GitLab does not know (and only " +
    "those) are removed from the configuration file.",
  flags: [
    CONFIG_FLAG,
    NAME_FLAG,
    URL_FLAG,
    TOKEN_FLAG,
    {
      names: ["delete"],
      kind: "bool",
      help: "Remove runners that GitLab does not know from the configuration file",
    },
  ],
  examples: [
    ["verify", "All runners"],
    ["verify --delete --name old-runner", "Clean up after a runner was deleted in GitLab"],
  ],
  async run(flags, context) {
    const path = configFile(flags, context.program);
    const runners = await selectRunners(path, selectorOf(flags), context);
    const identity = await managerIdentity(path, context);
    const dead: RunnerConfig[] = [];
    let unknown = 0;
    for (const runner of runners) {
      const verdict = await verify(runner, context, identity);
      if (verdict === "dead") dead.push(runner);
      if (verdict === "unknown") unknown++;
    }
    if (flags.bool("delete")) await removeFromConfig(path, dead, context);
    else unknown += dead.length;
    if (unknown > 0) throw new RunnerError("Failed to verify runners");
    return 0;
  },
};

async function verify(
  runner: RunnerConfig,
  context: CommandContext,
  identity: ManagerIdentity,
): Promise<"alive" | "dead" | "unknown"> {
  const isCreated = isCreatedToken(runner.token);
  const logger = context.logger.with(runnerFields(runner));
  const { signal } = new AbortController();
  const info = runnerInfo(runner, undefined);
  const outcome = await callCoordinator(
    runner,
    context,
    identity,
    (coordinator) => coordinator.verifyRunner(info, { signal }),
  );
  switch (outcome.kind) {
    case "valid":
      logger.info(`Verifying runner... is ${isCreated ? "valid" : "alive"}`);
      return "alive";
    case "forbidden":
      logger.error(`Verifying runner... is ${isCreated ? "not valid" : "removed"}`);
      return "dead";
    default: {
      const { word, error } = refusal(outcome);
      logger.error(`Verifying runner... ${word}`, { error });
      return "unknown";
    }
  }
}
