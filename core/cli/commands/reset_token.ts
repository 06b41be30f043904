/** `reset-token`: replaces authentication tokens at GitLab and in config.toml. */

import { saveToken } from "../../config/save_token.ts";
import type { RunnerConfig } from "../../config/schema.ts";
import { ConfigurationError, RunnerError } from "../../errors.ts";
import { Secret } from "../../util/secret.ts";
import type { Command, CommandContext } from "../command.ts";
import { CONFIG_FLAG, configFile } from "../config_file.ts";
import {
  callCoordinator,
  type ManagerIdentity,
  managerIdentity,
  refusal,
  runnerFields,
} from "../connect.ts";
import { interruptSignal } from "../interrupt.ts";
import {
  ALL_FLAG,
  firstOf,
  NAME_FLAG,
  type Selector,
  selectorOf,
  selectRunners,
  URL_FLAG,
} from "../selection.ts";

export const resetTokenCommand: Command = {
  description:
    "The old token is dead as soon as GitLab has made a new one; running jobs are not affected. A " +
    "running `run` picks the new token up by itself.",
  flags: [
    CONFIG_FLAG,
    NAME_FLAG,
    URL_FLAG,
    { names: ["id"], short: "i", kind: "int", help: "The runner with this id at GitLab" },
    ALL_FLAG,
    {
      names: ["pat"],
      kind: "string",
      help: "Personal access token to use instead of the runner's own token",
    },
  ],
  examples: [
    ["reset-token --name my-runner", "One runner, with its own token"],
    ['reset-token --all-runners --pat "$TOKEN"', "Every runner, also one whose token has expired"],
  ],
  async run(flags, context) {
    const path = configFile(flags, context.program);
    const selector: Selector = { ...selectorOf(flags), id: flags.int("id") };
    const isEmpty = Object.values(selector).every((part) => part === undefined);
    if (isEmpty && !flags.bool("all-runners")) {
      throw new ConfigurationError("Say which runner: --name, --url, --id or --all-runners");
    }
    const selected = await selectRunners(path, flags.bool("all-runners") ? {} : selector, context);
    const isByName = selector.name !== undefined && !flags.bool("all-runners");
    const runners = isByName ? firstOf(selected, context) : selected;
    const pat = flags.text("pat");
    const identity = await managerIdentity(path, context);
    let failed = 0;
    // One that GitLab has made by the time of an interrupt would be lost with the process.
    using interrupt = interruptSignal(context.program);
    for (const runner of runners) {
      interrupt.signal.throwIfAborted();
      const isReset = await Promise.race([
        resetToken(runner, context, {
          ...identity,
          pat: pat === undefined ? undefined : new Secret(pat),
        }),
        interrupt.again.then(giveUp),
      ]);
      if (!isReset) failed++;
    }
    if (failed < runners.length) context.logger.info(`Updated ${path}`);
    if (failed > 0) throw new RunnerError("Failed to reset runner tokens");
    return 0;
  },
};

function giveUp(): never {
  throw new RunnerError("Interrupted while GitLab may have made a token that is not written down");
}

/** Saves each token as soon as it is made: the old one is of no use any more. */
async function resetToken(
  runner: RunnerConfig,
  context: CommandContext,
  options: ManagerIdentity & { pat: Secret | undefined },
): Promise<boolean> {
  const { pat, configPath } = options;
  const logger = context.logger.with(runnerFields(runner));
  const { signal } = new AbortController();
  const target = { runnerId: runner.id, ...(pat === undefined ? {} : { pat }) };
  const outcome = await callCoordinator(
    runner,
    context,
    options,
    (coordinator) => coordinator.resetToken(target, { signal }),
  );
  if (outcome.kind !== "reset") {
    const { word, error } = refusal(outcome);
    logger.error(`Resetting runner authentication token... ${word}`, { error });
    return false;
  }
  const { token, expiresAt } = outcome;
  const fresh = { token, expiresAt, obtainedAt: new Date() };
  await saveToken(configPath, runner, fresh, { env: context.program.env });
  logger.info("Resetting runner authentication token... succeeded");
  return true;
}
