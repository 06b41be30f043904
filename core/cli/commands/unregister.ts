/** `unregister`: deletes runners at GitLab, and then from config.toml. */

import { ConfigurationError, RunnerError } from "../../errors.ts";
import { Secret } from "../../util/secret.ts";
import type { Command, CommandContext } from "../command.ts";
import { removeFromConfig } from "../config_changes.ts";
import { CONFIG_FLAG, configFile } from "../config_file.ts";
import {
  callCoordinator,
  isCreatedToken,
  type ManagerIdentity,
  managerIdentity,
  refusal,
  type RunnerAddress,
  runnerFields,
} from "../connect.ts";
import { type Flag, type FlagValues } from "../flag.ts";
import { interruptSignal } from "../interrupt.ts";
import {
  ALL_FLAG,
  configuredRunners,
  firstOf,
  isTokenOf,
  NAME_FLAG,
  sameUrl,
  selectorOf,
  selectRunners,
  TOKEN_FLAG,
  URL_FLAG,
} from "../selection.ts";

const TLS_FLAGS: readonly Flag[] = [
  ["tls-ca-file", "CI_SERVER_TLS_CA_FILE", "Certificates that GitLab's is checked against"],
  ["tls-cert-file", "CI_SERVER_TLS_CERT_FILE", "Client certificate"],
  ["tls-key-file", "CI_SERVER_TLS_KEY_FILE", "Key of the client certificate"],
].map(([name = "", env = "", help = ""]) => ({ names: [name], kind: "string", env, help }));

export const unregisterCommand: Command = {
  description:
    "For a runner created in GitLab (glrt-…) only this host is deleted as its manager; other " +
    "runners are deleted themselves. Of several runners with one name the first is taken. Entries " +
    "that GitLab refused to delete stay in the configuration file, and the exit code is 1. The " +
    "certificates of an entry are used with --token, too.",
  flags: [
    CONFIG_FLAG,
    NAME_FLAG,
    { ...URL_FLAG, env: "CI_SERVER_URL" },
    { ...TOKEN_FLAG, env: "CI_SERVER_TOKEN" },
    ALL_FLAG,
    ...TLS_FLAGS,
  ],
  examples: [
    ["unregister --name my-runner", "One runner"],
    ['unregister --url https://gitlab.example.com --token "$TOKEN"', "By its credentials"],
    ["unregister --all-runners", "Everything on this host"],
  ],
  async run(flags, context) {
    const path = configFile(flags, context.program);
    const runners = await addresses(path, flags, context);
    const identity = await managerIdentity(path, context);
    const gone: RunnerAddress[] = [];
    // What GitLab has deleted by the time of an interrupt would stay in the file.
    using interrupt = interruptSignal(context.program);
    try {
      for (const runner of runners) {
        interrupt.signal.throwIfAborted();
        const call = unregister(runner, context, identity);
        if (await Promise.race([call, interrupt.again.then(giveUp)])) gone.push(runner);
      }
    } finally {
      await removeFromConfig(path, gone, context);
    }
    if (gone.length < runners.length) throw new RunnerError("Failed to unregister runners");
    return 0;
  },
};

function giveUp(): never {
  throw new RunnerError(
    "Interrupted while GitLab may have deleted a runner that is still in the file",
  );
}

async function addresses(
  path: string,
  flags: FlagValues,
  context: CommandContext,
): Promise<readonly RunnerAddress[]> {
  if (flags.bool("all-runners")) {
    return await configuredRunners(path, context);
  }
  const { name, url, token } = selectorOf(flags);
  if (name !== undefined) {
    return firstOf(await selectRunners(path, { name, token }, context), context);
  }
  if (token === undefined) {
    throw new ConfigurationError("Say which runner: --name, --token, or --all-runners");
  }
  // An entry of the file knows the certificates of its GitLab.
  const entry = (await configuredRunners(path, context)).find((runner) =>
    isTokenOf(runner, token) && (url === undefined || sameUrl(runner.url, url))
  );
  if (entry === undefined && url === undefined) {
    throw new ConfigurationError(`No runner in "${path}" has this token; give its --url as well`);
  }
  const own = (flag: "tls-ca-file" | "tls-cert-file" | "tls-key-file") =>
    flags.text(flag) || (entry?.[flag] ?? "");
  return [{
    url: entry?.url ?? url ?? "",
    token: entry?.token ?? new Secret(token),
    name: entry?.name,
    "tls-ca-file": own("tls-ca-file"),
    "tls-cert-file": own("tls-cert-file"),
    "tls-key-file": own("tls-key-file"),
  }];
}

/** Whether the runner is gone at GitLab now. */
async function unregister(
  runner: RunnerAddress,
  context: CommandContext,
  identity: ManagerIdentity,
): Promise<boolean> {
  const what = isCreatedToken(runner.token) ? "runner manager" : "runner";
  const message = `Unregistering ${what} from GitLab`;
  const logger = context.logger.with(runnerFields(runner));
  const { signal } = new AbortController();
  const outcome = await callCoordinator(
    runner,
    context,
    identity,
    (coordinator) => coordinator.unregisterRunner({ signal }),
  );
  switch (outcome.kind) {
    case "unregistered":
      logger.info(`${message} succeeded`);
      return true;
    case "already-gone":
      logger.warning(`${message} succeeded: it was not there any more`);
      return true;
    default: {
      const { word, error } = refusal(outcome);
      logger.error(`${message} ${word}`, { error });
      return false;
    }
  }
}
