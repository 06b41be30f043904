/** The Prometheus side of {@link Metrics}. Loaded only by a process that somebody can scrape. */

import { Registry } from "prom-client";
import { type BuildInfo, buildInfo } from "../version.ts";
import { registerCounters } from "./counters.ts";
import { registerGauges } from "./gauges.ts";
import type { Metrics } from "./metrics.ts";
import { registerProcessMetrics } from "./process_metrics.ts";
import type { ManagerSnapshot } from "./snapshot.ts";

export interface PrometheusMetrics {
  readonly metrics: Metrics;
  readonly contentType: string;
  /** Everything in the text exposition format, the gauges as of now. */
  scrape(): Promise<string>;
}

/** Opens a registry of its own. `snapshot` is called several times per scrape. */
export function createPrometheusMetrics(
  options: { snapshot: () => ManagerSnapshot; build?: BuildInfo },
): PrometheusMetrics {
  const registry = new Registry();
  registerGauges(registry, { snapshot: options.snapshot, build: options.build ?? buildInfo });
  registerProcessMetrics(registry);
  return {
    metrics: registerCounters(registry),
    contentType: registry.contentType,
    scrape: () => registry.metrics(),
  };
}
