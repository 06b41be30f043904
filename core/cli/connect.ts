/** A connection to one GitLab for commands about runners. */

import { systemId } from "../config/system_id.ts";
import type { Coordinator, Forbidden, Rejected, Unreachable } from "../coordinator/coordinator.ts";
import { assertNever, ConfigurationError } from "../errors.ts";
import type { LogFields } from "../log/logger.ts";
import { assertToken, connectRunner } from "../runner/connect.ts";
import type { Secret } from "../util/secret.ts";
import { shortToken } from "../util/token.ts";
import type { CommandContext } from "./command.ts";

/** Tokens of runners that were created in GitLab; `register` and `unregister` treat them differently. */
const CREATED_PREFIX = "glrt-";

/** A runner as a command addresses it. */
export type RunnerAddress = Parameters<typeof connectRunner>[0] & {
  readonly name?: string | undefined;
};

/** Log fields that say which runner a line is about. */
export function runnerFields({ token, name }: RunnerAddress): LogFields {
  return { runner: shortToken(token.reveal()), runner_name: name || undefined };
}

/** As whom a command speaks to GitLab. */
export interface ManagerIdentity {
  readonly configPath: string;
  readonly systemId: string;
}

/** The identity of the runner manager whose file `configPath` is; made when there is none yet. */
export async function managerIdentity(
  configPath: string,
  { logger }: CommandContext,
): Promise<ManagerIdentity> {
  const { id, warning } = await systemId(configPath);
  if (warning !== undefined) logger.warning(warning);
  return { configPath, systemId: id };
}

/** Opens `address` with its token. Certificates are also looked for in `certs/` beside `configPath`. */
export function connect(
  address: RunnerAddress,
  { program, logger }: CommandContext,
  identity: ManagerIdentity,
): Coordinator {
  return connectRunner(address, { ...identity, env: program.env, logger });
}

/**
 * What `call` brings from the GitLab of one entry among several: an address that cannot be used is
 * as bad as one where nobody answers, and no worse for the others.
 */
export async function callCoordinator<T>(
  address: RunnerAddress,
  context: CommandContext,
  identity: ManagerIdentity,
  call: (coordinator: Coordinator) => Promise<T>,
): Promise<T | Unreachable> {
  try {
    assertToken(address);
    using coordinator = connect(address, context, identity);
    return await call(coordinator);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return { kind: "unreachable", message: error.message };
  }
}

/** Whether the runner was created in GitLab, so that this host only is one of its managers. */
export function isCreatedToken(token: Secret): boolean {
  return token.reveal().startsWith(CREATED_PREFIX);
}

/** The outcomes that mean GitLab did not do what it was asked, worded for a log line. */
export function refusal(
  outcome: Forbidden | Rejected | Unreachable,
): { readonly word: string; readonly error: string } {
  switch (outcome.kind) {
    case "forbidden":
      return { word: "forbidden", error: outcome.message };
    case "rejected":
      return { word: "failed", error: `status ${outcome.status}: ${outcome.message}` };
    case "unreachable":
      return { word: "client error", error: outcome.message };
    default:
      return assertNever(outcome);
  }
}
