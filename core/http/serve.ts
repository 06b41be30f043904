/** Serves the HTTP endpoints for as long as the manager runs. */

import { messageOf } from "../errors.ts";
import type { Logger } from "../log/logger.ts";
import { httpApp, type HttpSources } from "./app.ts";
import { formatListenAddress, parseListenAddress } from "./listen_address.ts";

export interface HttpServer extends AsyncDisposable {
  /** The port in use. */
  readonly port: number;
}

/**
 * Listens on `address` until disposed. An address that cannot be had is logged, and undefined
 * comes back: jobs matter more than their metrics.
 */
export function serveHttp(
  address: string,
  options: HttpSources & { logger: Logger },
): HttpServer | undefined {
  const { logger } = options;
  try {
    const { hostname, port } = parseListenAddress(address);
    const server = Bun.serve({
      ...(hostname === undefined ? {} : { hostname }),
      port,
      fetch: httpApp(options).fetch,
    });
    const bound = { hostname, port: server.port ?? port };
    logger.info("Metrics server listening", { address: formatListenAddress(bound) });
    return {
      port: bound.port,
      [Symbol.asyncDispose]: () => server.stop(true),
    };
  } catch (error) {
    logger.error("Failed to create listener for metrics server", {
      address,
      error: messageOf(error),
    });
    return undefined;
  }
}
