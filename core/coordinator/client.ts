/** GitLab over HTTP: the adapter behind the Coordinator port. */

import type { Metrics } from "../metrics/metrics.ts";
import type { Secret } from "../util/secret.ts";
import type { Coordinator } from "./coordinator.ts";
import { CoordinatorHttp, type HttpOptions } from "./http.ts";
import { jobHandle } from "./job_handle.ts";
import { requestJob } from "./job_request.ts";
import { RunnerApi } from "./runner_api.ts";
import { registerRunner, resetToken, unregisterRunner, verifyRunner } from "./runner_calls.ts";

export interface GitLabCoordinatorOptions extends Omit<HttpOptions, "onRetry"> {
  /** The runner's authentication token; empty while there is none. */
  readonly token: Secret;
  /** Empty when the runner has none. */
  readonly systemId: string;
  readonly metrics?: Metrics | undefined;
}

/**
 * One GitLab as seen with one runner's token. Opens connections when they are needed; dispose
 * closes the idle ones. Throws ConfigurationError when the URL is not usable.
 */
export function gitlabCoordinator(options: GitLabCoordinatorOptions): Coordinator {
  const { metrics } = options;
  const http = new CoordinatorHttp({
    ...options,
    onRetry: metrics === undefined ? undefined : (event) => metrics.apiRetry(event),
  });
  const api = new RunnerApi({
    http,
    token: options.token,
    systemId: options.systemId,
    logger: options.logger,
    metrics,
  });
  const tlsMaterial = () => http.tlsMaterial();
  return {
    requestJob: (request, its) => requestJob(api, request, { tlsMaterial, ...its }),
    job: (identity, info) => jobHandle(api, identity, info),
    registerRunner: (request, its) => registerRunner(api, request, its),
    verifyRunner: (info, its) => verifyRunner(api, info, its),
    unregisterRunner: (its) => unregisterRunner(api, its),
    resetToken: (access, its) => resetToken(api, access, its),
    [Symbol.dispose]: () => http[Symbol.dispose](),
  };
}
