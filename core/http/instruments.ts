/** The numbers of one manager: exported at `listen_address`, or dropped when there is none. */

import type { Logger } from "../log/logger.ts";
import type { ProcessLog } from "../log/process_log.ts";
import { noMetrics } from "../metrics/no_metrics.ts";
import type { ManagerSnapshot } from "../metrics/snapshot.ts";
import type { Instruments } from "../runner/manager.ts";
import type { HttpServer } from "./serve.ts";

/** The libraries behind the endpoints are loaded only when `address` is not empty. */
export async function openInstruments(
  address: string,
  options: { log: ProcessLog; logger: Logger },
): Promise<Instruments> {
  const { log, logger } = options;
  if (address === "") {
    logger.info("listen_address not defined, metrics & debug endpoints disabled");
    return { metrics: noMetrics, serve() {}, async [Symbol.asyncDispose]() {} };
  }
  const [{ createPrometheusMetrics }, { serveHttp }] = await Promise.all([
    import("../metrics/prometheus.ts"),
    import("./serve.ts"),
  ]);
  let read: () => ManagerSnapshot = () => {
    throw new Error("Scraped before the manager serves");
  };
  let server: HttpServer | undefined;
  const prometheus = createPrometheusMetrics({ snapshot: () => read() });
  log.count((level) => prometheus.metrics.logged(level));
  return {
    metrics: prometheus.metrics,
    serve(snapshot) {
      read = snapshot;
      server = serveHttp(address, { ...prometheus, snapshot, logger });
    },
    async [Symbol.asyncDispose]() {
      await server?.[Symbol.asyncDispose]();
    },
  };
}
