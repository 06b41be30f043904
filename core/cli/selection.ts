/** Which entries of config.toml a command is about. */

import { loadConfig } from "../config/load.ts";
import type { RunnerConfig } from "../config/schema.ts";
import { codeOf, ConfigurationError, messageOf } from "../errors.ts";
import { shortToken } from "../util/token.ts";
import type { CommandContext } from "./command.ts";
import type { Flag, FlagValues } from "./flag.ts";

export const NAME_FLAG: Flag = {
  names: ["name"],
  short: "n",
  kind: "string",
  help: "The runner of this name",
};

/** Without variables: CI_SERVER_URL of some job must not narrow what is verified. */
export const URL_FLAG: Flag = {
  names: ["url"],
  short: "u",
  kind: "string",
  help: "Runners of this GitLab",
};

export const TOKEN_FLAG: Flag = {
  names: ["token"],
  short: "t",
  kind: "string",
  help: "The runner with this token, or with what `list` shows of one",
};

export const ALL_FLAG: Flag = {
  names: ["all-runners"],
  kind: "bool",
  help: "Every runner in the configuration file",
};

/** What an entry has to have; an absent part does not matter. */
export interface Selector {
  readonly name?: string | undefined;
  readonly url?: string | undefined;
  readonly token?: string | undefined;
  readonly id?: number | undefined;
}

/** What `flags` say of the runner. An empty value says nothing: `--url=` is every GitLab. */
export function selectorOf(flags: FlagValues): Selector {
  const [name, url, token] = ["name", "url", "token"].map((flag) => flags.text(flag) || undefined);
  return { name, url, token };
}

/**
 * The entries that match `selector`; all of them when it is empty. Throws ConfigurationError when
 * none matches.
 */
export async function selectRunners(
  path: string,
  selector: Selector,
  context: CommandContext,
): Promise<readonly RunnerConfig[]> {
  const runners = await configuredRunners(path, context);
  const { name, url, token, id } = selector;
  const selected = runners.filter((runner) =>
    (name === undefined || runner.name === name) &&
    (url === undefined || sameUrl(runner.url, url)) &&
    (token === undefined || isTokenOf(runner, token)) &&
    (id === undefined || runner.id === id)
  );
  const isEmpty = Object.values(selector).every((part) => part === undefined);
  if (selected.length > 0 || isEmpty) return selected;
  throw new ConfigurationError(`No runner in "${path}" matches the given name, URL, token or id`);
}

/**
 * The first of several entries of one name, as with GitLab Runner: what is done
 * to a runner can hardly be undone.
 */
export function firstOf(
  runners: readonly RunnerConfig[],
  { logger }: CommandContext,
): readonly RunnerConfig[] {
  const [first, ...others] = runners;
  if (first === undefined || others.length === 0) return runners;
  logger.warning(
    `${runners.length} runners have the name "${first.name}"; only the first is taken`,
    { runner: shortToken(first.token.reveal()), URL: first.url },
  );
  return [first];
}

/** All entries of the file. One that is not there has none, which is told but is no failure. */
export async function configuredRunners(
  path: string,
  { program, logger }: CommandContext,
): Promise<readonly RunnerConfig[]> {
  try {
    return (await loadConfig(path, { env: program.env })).config.runners;
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
    logger.warning(messageOf(error));
    return [];
  }
}

/** Whether `given` is the runner's token, or what `list` shows of it. */
export function isTokenOf(runner: RunnerConfig, given: string): boolean {
  const token = runner.token.reveal();
  return token === given || token !== "" && shortToken(token) === given;
}

/** Whether both name one GitLab. */
export function sameUrl(a: string, b: string): boolean {
  return a.replace(/\/+$/, "") === b.replace(/\/+$/, "");
}
