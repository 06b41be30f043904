/** Opens the connection of a runner entry to its coordinator. */

import { dirname, join } from "node:path";
import type { RunnerConfig } from "../config/schema.ts";
import { gitlabCoordinator } from "../coordinator/client.ts";
import type { Coordinator } from "../coordinator/coordinator.ts";
import { ConfigurationError } from "../errors.ts";
import type { Logger } from "../log/logger.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { Secret } from "../util/secret.ts";

/** What all connections of one process share. */
export interface ConnectOptions {
  /** Certificates are looked for by host name in `certs` beside it. */
  readonly configPath: string;
  readonly systemId: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  readonly metrics?: Metrics | undefined;
  /** `connection_max_age` in milliseconds. */
  readonly connectionMaxAgeMs?: number | undefined;
}

/** What of a runner entry says where its coordinator is and who asks. */
export type RunnerAddress = Pick<
  RunnerConfig,
  "url" | "token" | "executor" | "tls-ca-file" | "tls-cert-file" | "tls-key-file"
>;

/** Opens the connection of one entry. Throws ConfigurationError when its address is not usable. */
export type Connect = (runner: RunnerAddress, options: ConnectOptions) => Coordinator;

/**
 * GitLab would refuse each request of an entry without a token, and in the end all that come from
 * this host. Throws ConfigurationError.
 */
export function assertToken({ token }: { readonly token: Secret }): void {
  if (token.reveal().trim() === "") throw new ConfigurationError("The runner has no token");
}

/**
 * Throws ConfigurationError when the entry's URL is not usable. Calls about a job take the job's own
 * token: an earlier run's are made without the runner's.
 */
export function connectRunner(
  runner: Omit<RunnerAddress, "executor">,
  options: ConnectOptions,
): Coordinator {
  return gitlabCoordinator({
    url: runner.url,
    token: runner.token,
    systemId: options.systemId,
    tls: {
      caFile: runner["tls-ca-file"],
      certFile: runner["tls-cert-file"],
      keyFile: runner["tls-key-file"],
    },
    certificatesDirectory: join(dirname(options.configPath), "certs"),
    connectionMaxAgeMs: options.connectionMaxAgeMs,
    env: options.env,
    logger: options.logger,
    metrics: options.metrics,
  });
}
