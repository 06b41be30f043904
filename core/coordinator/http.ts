/**
 * Calls to one coordinator: base URL, headers, request ids, and the retry layer that sits under
 * every call.
 */

import type { TlsMaterial } from "../job/spec.ts";
import type { Logger } from "../log/logger.ts";
import type { Secret } from "../util/secret.ts";
import { userAgent } from "../version.ts";
import { type Answer, readBody } from "./answer.ts";
import { apiUrl } from "./api_url.ts";
import { type Clock, systemClock } from "./clock.ts";
import { ConnectionPool } from "./connection_pool.ts";
import type { Environment } from "./proxy.ts";
import type { RequestBody } from "./request_body.ts";
import {
  isRepeatable,
  LONGEST_WAIT_MS,
  MOST_ATTEMPTS,
  type Repetition,
  waitAfter,
} from "./server_wait.ts";
import type { TlsFiles } from "./tls_files.ts";
import { exchange, type HttpTimeouts, type TransportRequest } from "./transport.ts";

/** GitLab Runner's limits: an hour for a whole exchange, ten minutes for an answer to begin. */
const DEFAULT_TIMEOUTS: HttpTimeouts = { exchangeMs: 3_600_000, headersMs: 600_000 };

/** `connection_max_age` when nothing is configured. */
const DEFAULT_MAX_AGE_MS = 900_000;

/** Far above any job payload; keeps a runaway answer from filling the memory. */
const LONGEST_ANSWER = 64 * 1024 * 1024;

export interface HttpOptions {
  /** The runner's `url`. */
  readonly url: string;
  readonly tls?: TlsFiles | undefined;
  /** `<config dir>/certs`, where certificates are found by host name. */
  readonly certificatesDirectory?: string | undefined;
  /** Holds the proxy variables. */
  readonly env: Environment;
  /** `connection_max_age`; 0 and less mean no limit. */
  readonly connectionMaxAgeMs?: number | undefined;
  readonly timeouts?: HttpTimeouts | undefined;
  readonly logger: Logger;
  /** Told of every repetition. */
  readonly onRetry?: ((event: { path: string; method: string }) => void) | undefined;
  readonly clock?: Clock | undefined;
}

export interface ApiCall {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below `/api/v4/`, with its query. */
  readonly path: string;
  /** The path with ids replaced, for metrics: `jobs/:id/trace`. */
  readonly route: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly token?: { readonly header: string; readonly value: Secret } | undefined;
  readonly body?: RequestBody | undefined;
  readonly repeat: Repetition;
  readonly follow: TransportRequest["follow"];
}

export interface CallOptions {
  readonly signal: AbortSignal;
  /** Called before each attempt but the first. */
  readonly onRepeat?: (() => void) | undefined;
}

/** Connections to one coordinator, for one runner's token. */
export class CoordinatorHttp implements Disposable {
  readonly #options: HttpOptions;
  readonly #api: URL;
  readonly #pool: ConnectionPool;
  readonly #clock: Clock;

  /** Throws ConfigurationError when the URL is not usable. Opens nothing yet. */
  constructor(options: HttpOptions) {
    this.#options = options;
    this.#api = apiUrl(options.url);
    this.#clock = options.clock ?? systemClock;
    this.#pool = new ConnectionPool({
      url: this.#api,
      tls: options.tls ?? {},
      certificatesDirectory: options.certificatesDirectory,
      env: options.env,
      maxAgeMs: options.connectionMaxAgeMs ?? DEFAULT_MAX_AGE_MS,
      logger: options.logger,
    });
  }

  /** Calls the API and reads the whole answer. Throws ConnectionFault or the signal's reason. */
  call(call: ApiCall, options: CallOptions): Promise<Answer> {
    return this.callReading(call, readAnswer, options);
  }

  /** As `call`, with the last answer's body left to `read`. */
  async callReading<T extends Answer>(
    call: ApiCall,
    read: (response: Response, requestId: string) => Promise<T>,
    options: CallOptions,
  ): Promise<T> {
    const requestId = crypto.randomUUID().replaceAll("-", "");
    const request: TransportRequest = {
      method: call.method,
      url: new URL(call.path, this.#api),
      headers: { ...commonHeaders(), "X-Request-Id": requestId, ...call.headers },
      token: call.token,
      body: call.body,
      follow: call.follow,
    };
    for (let attempt = 0;; attempt++) {
      const answer = await this.#exchange(request, (got) => read(got, requestId), options);
      if (!isRepeatable(answer.status, call.repeat) || attempt + 1 >= MOST_ATTEMPTS) return answer;
      const waitMs = waitAfter(answer.headers, attempt, this.#clock);
      const fields = { method: call.method, path: call.path, status: answer.status };
      if (waitMs > LONGEST_WAIT_MS) {
        this.#options.logger.warning(
          `The coordinator wants a pause of ${Math.round(waitMs / 1000)} seconds, ` +
            "giving up this request",
          fields,
        );
        return answer;
      }
      this.#options.logger.debug("Repeating a request to the coordinator", {
        ...fields,
        wait_ms: Math.round(waitMs),
      });
      await this.#clock.delay(waitMs, options);
      this.#options.onRetry?.({ path: `/api/v4/${call.route}`, method: call.method });
      options.onRepeat?.();
    }
  }

  /** One GET of any URL, without token and repetition: an object storage's signed URL. */
  fetchStored<T>(
    url: URL,
    read: (response: Response) => Promise<T>,
    options: { signal: AbortSignal },
  ): Promise<T> {
    const request = { method: "GET", url, headers: commonHeaders(), follow: "everywhere" } as const;
    return this.#exchange(request, read, options);
  }

  /** What a job is given of this connection. Never fails: what cannot be had is left out. */
  tlsMaterial(): Promise<TlsMaterial> {
    return this.#pool.tlsMaterial();
  }

  [Symbol.dispose](): void {
    this.#pool[Symbol.dispose]();
  }

  #exchange<T>(
    request: TransportRequest,
    read: (response: Response) => Promise<T>,
    options: { signal: AbortSignal },
  ): Promise<T> {
    const { env, timeouts = DEFAULT_TIMEOUTS } = this.#options;
    return exchange(request, read, { pool: this.#pool, env, timeouts, signal: options.signal });
  }
}

function commonHeaders(): Record<string, string> {
  return { "User-Agent": userAgent(), "Accept-Encoding": "gzip" };
}

/** Reads an answer; a body that breaks off is kept as far as it came. */
export async function readAnswer(
  response: Response,
  requestId: string,
  limit: number = LONGEST_ANSWER,
): Promise<Answer> {
  return answerOf(response, requestId, await readBody(response, limit));
}

/** An answer with the body that was read of it. */
export function answerOf(
  response: Response,
  requestId: string,
  read: Pick<Answer, "body" | "cut">,
): Answer {
  const { status, statusText, headers } = response;
  return {
    status,
    statusText,
    headers,
    ...read,
    correlationId: headers.get("x-request-id") || requestId,
  };
}
