/** Calls made with one runner's token: what they share in headers, log fields and state. */

import type { LogFields, Logger } from "../log/logger.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { Secret } from "../util/secret.ts";
import { shortToken } from "../util/token.ts";
import type { Answer } from "./answer.ts";
import type { RunnerInfo, Unreachable } from "./coordinator.ts";
import { ConnectionFault } from "./fault.ts";
import type { ApiCall, CallOptions, CoordinatorHttp } from "./http.ts";

export interface RunnerApiOptions {
  readonly http: CoordinatorHttp;
  readonly token: Secret;
  /** May be empty: then it is not sent. */
  readonly systemId: string;
  readonly logger: Logger;
  readonly metrics: Metrics | undefined;
}

/** A call whose body and answer are JSON. */
export interface JsonCall extends Pick<ApiCall, "method" | "path"> {
  readonly route?: string;
  readonly header?: ApiCall["token"];
  readonly body: unknown;
  readonly repeat?: ApiCall["repeat"];
  /** Name in the request metrics; calls without one are not counted. */
  readonly metric?: string;
}

export class RunnerApi {
  readonly token: Secret;
  readonly systemId: string;
  /** Short token. */
  readonly runner: string;
  readonly logger: Logger;
  readonly #http: CoordinatorHttp;
  readonly #metrics: Metrics | undefined;
  #lastUpdate = "";

  constructor(options: RunnerApiOptions) {
    this.token = options.token;
    this.systemId = options.systemId;
    this.runner = shortToken(options.token.reveal());
    this.logger = options.logger.with({ runner: this.runner });
    this.#http = options.http;
    this.#metrics = options.metrics;
  }

  /**
   * The queue value that the coordinator sent last. Only another value replaces it: answers without
   * the header (a job, the end of a long poll) leave it as it is.
   */
  get lastUpdate(): string {
    return this.#lastUpdate;
  }

  /** `system_id`, if there is one. */
  get identity(): { readonly system_id?: string } {
    return this.systemId === "" ? {} : { system_id: this.systemId };
  }

  /** A call with a JSON body, and a JSON answer in the good case. Bodies hold tokens. */
  async json(
    call: JsonCall,
    options: CallOptions,
  ): Promise<Answer | Unreachable> {
    const answer = await this.call({
      method: call.method,
      path: call.path,
      route: call.route ?? call.path,
      headers: { "Content-Type": "application/json", "Accept": "application/json" },
      token: call.header,
      body: JSON.stringify(call.body),
      repeat: call.repeat ?? "on-failure",
      follow: "trusted",
    }, { ...options, metric: call.metric });
    if (!("kind" in answer)) {
      this.#lastUpdate = answer.headers.get("x-gitlab-last-update") || this.#lastUpdate;
    }
    return answer;
  }

  /** Any call; a fault of the connection is an outcome. Rejects with the signal's reason. */
  async call(
    call: ApiCall,
    options: CallOptions & { metric?: string | undefined },
  ): Promise<Answer | Unreachable> {
    const startedAt = performance.now();
    const count = (status: number) => {
      if (options.metric === undefined) return;
      this.#metrics?.apiRequest({
        runner: this.runner,
        systemId: this.systemId,
        endpoint: options.metric,
        method: call.method,
        status,
        durationMs: performance.now() - startedAt,
      });
    };
    try {
      const answer = await this.#http.call(call, options);
      count(answer.status);
      return answer;
    } catch (error) {
      if (!(error instanceof ConnectionFault)) throw error;
      count(NO_STATUS);
      return { kind: "unreachable", message: error.message };
    }
  }
}

/** What GitLab Runner counts a call as that got no answer. */
const NO_STATUS = -1;

/** The `info` object as it is sent: `config` always, `labels` only if there are some. */
export function infoBody(info: RunnerInfo): object {
  const { labels, config = { gpus: "" }, ...rest } = info;
  const hasLabels = labels !== undefined && Object.keys(labels).length > 0;
  return { ...rest, config, ...(hasLabels ? { labels } : {}) };
}

/** Log fields of an answer that is no success. */
export function answerFields(answer: Answer): LogFields {
  return { status: answer.status, correlation_id: answer.correlationId };
}
