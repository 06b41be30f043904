/** The part of `register` that GitLab takes part in: a new runner, or a token it confirms. */

import type { Coordinator, RegisteredRunner } from "../../coordinator/coordinator.ts";
import { ConfigurationError, RunnerError } from "../../errors.ts";
import type { Logger } from "../../log/logger.ts";
import { runnerInfo } from "../../runner/announce.ts";
import type { Secret } from "../../util/secret.ts";
import { shortToken } from "../../util/token.ts";
import { refusal } from "../connect.ts";
import { type FlagValues } from "../flag.ts";
import { SERVER_SIDE_FLAGS } from "./register_flags.ts";

/** Settings that go to GitLab with a registration token. */
export interface ServerSideSettings {
  readonly description: string;
  readonly tagList: string;
  readonly maintenanceNote: string;
}

interface Call {
  readonly token: Secret;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

const ACCESS_LEVELS = ["not_protected", "ref_protected"];

/** Throws ConfigurationError for an access level that GitLab does not have. */
export function checkAccessLevel(flags: FlagValues): void {
  const level = flags.text("access-level") ?? "";
  if (level === "" || ACCESS_LEVELS.includes(level)) return;
  throw new ConfigurationError(
    `Invalid value "${level}" for --access-level: use ${ACCESS_LEVELS.join(" or ")}`,
  );
}

/** Throws ConfigurationError when the command line has settings that belong to the runner at GitLab. */
export function refuseServerSideFlags(flags: FlagValues): void {
  const given = givenServerSideFlags(flags);
  if (given.length === 0) return;
  throw new ConfigurationError(
    `A runner authentication token goes without ${given.join(", ")}: ` +
      "these settings are made in GitLab, where the runner was created",
  );
}

/**
 * Server-side flags, with their dashes, that ask for something. What a script spells out although it
 * is the default asks for nothing.
 */
export function givenServerSideFlags(flags: FlagValues): readonly string[] {
  return SERVER_SIDE_FLAGS.filter(({ names: [name], kind }) => {
    if (!flags.has(name)) return false;
    if (kind === "int") return flags.int(name) !== 0;
    return kind === "bool" ? flags.bool(name) !== (name === "locked") : flags.text(name) !== "";
  }).map(({ names: [name] }) => `--${name}`);
}

/** Asks GitLab for a new runner. Throws RunnerError when it refuses or cannot be reached. */
export async function registerNewRunner(
  coordinator: Coordinator,
  flags: FlagValues,
  settings: ServerSideSettings,
  call: Call,
): Promise<RegisteredRunner> {
  const logger = call.logger.with({ runner: shortToken(call.token.reveal()) });
  const accessLevel = flags.text("access-level");
  const maximumTimeoutSeconds = flags.int("maximum-timeout") ?? 0;
  const outcome = await coordinator.registerRunner({
    token: call.token,
    info: runnerInfo(undefined, undefined),
    description: settings.description,
    ...(settings.tagList === "" ? {} : { tagList: settings.tagList }),
    ...(settings.maintenanceNote === "" ? {} : { maintenanceNote: settings.maintenanceNote }),
    runUntagged: settings.tagList === "" || flags.bool("run-untagged"),
    locked: flags.has("locked") ? flags.bool("locked") : true,
    ...(accessLevel ? { accessLevel } : {}),
    ...(maximumTimeoutSeconds > 0 ? { maximumTimeoutSeconds } : {}),
    paused: flags.bool("paused"),
  }, call);
  switch (outcome.kind) {
    case "registered":
      logger.info("Registering runner... succeeded");
      return outcome.runner;
    case "registration-disabled":
      logger.error("Registering runner... failed", { error: outcome.message });
      throw new RunnerError(
        "This GitLab does not accept registration tokens: create the runner in GitLab and use its " +
          "authentication token with --token",
      );
    case "forbidden":
      logger.error("Registering runner... forbidden (check registration token)");
      throw new RunnerError("Failed to register the runner: GitLab does not know this token");
    default: {
      const { word, error } = refusal(outcome);
      logger.error(`Registering runner... ${word}`, { error });
      throw new RunnerError(`Failed to register the runner: ${error}`);
    }
  }
}

/**
 * Has GitLab confirm a token. Undefined: it is valid, but GitLab is too old to tell the runner's
 * id. Throws RunnerError when it is not, or nobody knows.
 */
export async function confirmRunner(
  coordinator: Coordinator,
  call: Call,
): Promise<RegisteredRunner | undefined> {
  const logger = call.logger.with({ runner: shortToken(call.token.reveal()) });
  const outcome = await coordinator.verifyRunner(runnerInfo(undefined, undefined), call);
  switch (outcome.kind) {
    case "valid":
      logger.info("Verifying runner... is valid");
      return outcome.runner;
    case "forbidden":
      logger.error("Verifying runner... is not valid");
      throw new RunnerError("Failed to verify the runner. GitLab does not know this token");
    default: {
      const { error } = refusal(outcome);
      logger.error("Verifying runner... failed", { error });
      throw new RunnerError(`Failed to verify the runner. ${error}`);
    }
  }
}
