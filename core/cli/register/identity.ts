/** Who the new entry is at GitLab: three kinds of token, three ways to find out. */

import type { Coordinator, RegisteredRunner } from "../../coordinator/coordinator.ts";
import { ConfigurationError, RunnerError } from "../../errors.ts";
import type { Logger } from "../../log/logger.ts";
import { Secret } from "../../util/secret.ts";
import type { Answers } from "./answers.ts";
import { isCreatedToken } from "../connect.ts";
import type { FlagValues } from "../flag.ts";
import {
  confirmRunner,
  givenServerSideFlags,
  refuseServerSideFlags,
  registerNewRunner,
} from "./at_gitlab.ts";

export interface Identity {
  readonly name: string;
  /** `id` is 0 when GitLab did not tell it. */
  readonly runner: RegisteredRunner;
  /** GitLab holds something since this run that has to go when the rest fails. */
  readonly isNew: boolean;
}

export interface IdentityOptions {
  readonly answers: Answers;
  /** Offered as the name. */
  readonly hostname: string;
  readonly logger: Logger;
  /** Opens GitLab with a token. */
  readonly open: (token: Secret) => Coordinator;
  readonly signal: AbortSignal;
}

/** Asks for a token unless one is given, and has GitLab accept it. */
export async function identify(flags: FlagValues, options: IdentityOptions): Promise<Identity> {
  const given = flags.text("token")?.trim();
  if (given) {
    const token = new Secret(given);
    if (!isCreatedToken(token)) return await knownRunner(token, flags, options);
    refuseServerSideFlags(flags);
    return await createdRunner(token, options);
  }
  if (!options.answers.interactive && !flags.text("registration-token")?.trim()) {
    throw new ConfigurationError(
      "The registration-token needs to be entered: create the runner in GitLab and give the token it " +
        "shows with --token, or a --registration-token where GitLab still has them, or leave out " +
        "--non-interactive",
    );
  }
  const token = new Secret(
    await options.answers.ask("registration-token", {
      text: "Enter the registration token:",
      secret: true,
    }),
  );
  if (!isCreatedToken(token)) return await newRunner(token, flags, options);
  const ignored = givenServerSideFlags(flags);
  if (ignored.length > 0) {
    options.logger.warning(
      `This is a runner authentication token, whose settings are made in GitLab; ignored: ` +
        ignored.join(", "),
    );
  }
  return await createdRunner(token, options);
}

/** A runner that was created in GitLab; this host becomes one of its managers. */
async function createdRunner(token: Secret, options: IdentityOptions): Promise<Identity> {
  const name = await options.answers.ask("name", {
    text: "Enter a name for the runner. This is stored only in the local config.toml file:",
  }, options.hostname);
  using coordinator = options.open(token);
  const runner = await confirmRunner(coordinator, { ...options, token });
  if (runner !== undefined) return { name, runner, isNew: true };
  throw new RunnerError(
    "Failed to verify the runner. What answers at this URL does not seem to be a GitLab that " +
      "knows runner authentication tokens",
  );
}

/** The token of a runner that is registered already: it is only written down. */
async function knownRunner(
  token: Secret,
  flags: FlagValues,
  options: IdentityOptions,
): Promise<Identity> {
  options.logger.warning(
    "This token is not one of a runner created in GitLab (glrt-…), so it is only verified. " +
      "If you want to register use the '-r' instead of '-t'.",
  );
  using coordinator = options.open(token);
  const runner = await confirmRunner(coordinator, { ...options, token }) ??
    { id: 0, token, tokenExpiresAt: undefined };
  return { name: flags.text("name") || options.hostname, runner, isNew: false };
}

/** A registration token is exchanged for a new runner. */
async function newRunner(
  token: Secret,
  flags: FlagValues,
  options: IdentityOptions,
): Promise<Identity> {
  const { answers, logger } = options;
  logger.warning(
    "Registration tokens are deprecated: create the runner in GitLab and register it with its " +
      "authentication token",
  );
  const name = await answers.ask("name", {
    text: "Enter a description for the runner:",
  }, options.hostname);
  const tagList = await answers.ask("tag-list", {
    text: "Enter tags for the runner (comma-separated):",
    optional: true,
  });
  const maintenanceNote = await answers.ask("maintenance-note", {
    text: "Enter optional maintenance note for the runner:",
    optional: true,
  });
  using coordinator = options.open(token);
  const runner = await registerNewRunner(
    coordinator,
    flags,
    { description: name, tagList, maintenanceNote },
    { ...options, token },
  );
  return { name, runner, isNew: true };
}
