/** One HTTP exchange: proxy, time limits, redirects, faults. Knows nothing of GitLab's API. */

import { codeOf } from "../errors.ts";
import { type Deadline, deadline, DeadlineExceeded } from "../util/abort.ts";
import type { Secret } from "../util/secret.ts";
import type { ConnectionPool } from "./connection_pool.ts";
import { ConnectionFault, connectionFault } from "./fault.ts";
import { type Environment, proxyFor } from "./proxy.ts";
import { type Hop, nextHop } from "./redirect.ts";
import { HeaderWait, openBody, type RequestBody } from "./request_body.ts";

export interface TransportRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** A header that only a trusted host may see. */
  readonly token?: { readonly header: string; readonly value: Secret } | undefined;
  readonly body?: RequestBody | undefined;
  /**
   * `everywhere`: to other hosts without the token header. `trusted`: only where the token may go,
   * for bodies that hold it too. `none`: the redirecting answer is the answer.
   */
  readonly follow: "everywhere" | "trusted" | "none";
}

export interface HttpTimeouts {
  /** From the first byte sent to the last byte read. */
  readonly exchangeMs: number;
  /** From the last byte sent to the end of the answer's header. */
  readonly headersMs: number;
}

export interface TransportOptions {
  readonly pool: ConnectionPool;
  readonly env: Environment;
  readonly timeouts: HttpTimeouts;
}

/**
 * Sends a request, follows its redirects and hands the answer to `read`, all within the time
 * limits. Throws ConnectionFault, the signal's reason, or what the body's source threw.
 */
export async function exchange<T>(
  request: TransportRequest,
  read: (response: Response) => Promise<T>,
  options: TransportOptions & { signal: AbortSignal },
): Promise<T> {
  const { signal, timeouts } = options;
  const late = () =>
    new DeadlineExceeded(`${request.method} ${request.url.pathname}`, timeouts.exchangeMs);
  using limit = deadline(timeouts.exchangeMs, late, signal);
  try {
    const result = await read(await follow(request, limit, options));
    limit.signal.throwIfAborted();
    return result;
  } catch (error) {
    signal.throwIfAborted();
    if (!limit.signal.aborted) throw error;
    const { reason } = limit.signal;
    throw new ConnectionFault(reason.message, { cause: reason });
  }
}

async function follow(
  request: TransportRequest,
  limit: Deadline,
  options: TransportOptions,
): Promise<Response> {
  let hop: Hop = { url: request.url, trusted: true };
  for (let hops = 0;; hops++) {
    const response = await send(request, hop, limit, options);
    if (request.follow === "none") return response;
    const next = nextHop(response, { method: request.method, from: hop, hops });
    if (next === undefined) return response;
    if (request.follow === "trusted" && !next.trusted) return response;
    await response.body?.cancel();
    hop = next;
  }
}

async function send(
  request: TransportRequest,
  hop: Hop,
  limit: Deadline,
  options: TransportOptions,
): Promise<Response> {
  const { url } = hop;
  const { token } = request;
  const proxy = proxyFor(url, options.env);
  using wait = new HeaderWait(options.timeouts.headersMs, url, limit);
  const body = openBody(request.body, wait);
  try {
    return await options.pool.sessionFor(url).fetch(url, {
      method: request.method,
      headers: {
        ...request.headers,
        ...(token === undefined || !hop.trusted ? {} : { [token.header]: token.value.reveal() }),
      },
      ...(body.content === undefined ? {} : { body: body.content }),
      redirect: "manual",
      signal: limit.signal,
      proxy: proxy === undefined ? false : { url: proxy, respectNoProxy: false },
      // Bun's own limit would end a silent long poll, its own logging would show tokens.
      timeout: false,
      verbose: false,
      ...(url.protocol === "https:" ? { protocol: "http1.1" } : {}),
    });
  } catch (error) {
    if (body.failure() !== undefined) throw body.failure();
    limit.signal.throwIfAborted();
    const isUnclear = codeOf(error) === "EPROTO" && url.protocol === "https:";
    throw isUnclear
      ? await handshakeFault(url, options.pool, limit.signal)
      : connectionFault(error, url, proxy);
  }
}

/** Bun calls every failed handshake a protocol error; a second look tells which it was. */
async function handshakeFault(
  url: URL,
  pool: ConnectionPool,
  signal: AbortSignal,
): Promise<ConnectionFault> {
  const action = `Cannot agree on TLS with "${url.host}"`;
  try {
    await pool.serverChain(url, { signal });
  } catch (thrown) {
    const { handshakeProblem } = await import("./tls_handshake.ts");
    return new ConnectionFault(`${action}: ${handshakeProblem(thrown)}`, { cause: thrown });
  }
  return new ConnectionFault(
    `${action}: it ended the handshake; it may want a client certificate ` +
      "(tls-cert-file, tls-key-file)",
  );
}
