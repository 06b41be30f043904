/** Makes the meters of one registry; all their names begin as those of GitLab Runner. */

import { Counter, Gauge, Histogram, type Registry } from "prom-client";

export type Meters = ReturnType<typeof metersIn>;

export function metersIn(registry: Registry) {
  const shared = <L extends string>(name: string, help: string, labels: readonly L[]) => ({
    name: `gitlab_runner_${name}`,
    help,
    labelNames: [...labels],
    registers: [registry],
  });
  return {
    counter: <L extends string>(name: string, help: string, labels: readonly L[]) =>
      new Counter<L>(shared(name, help, labels)),
    gauge: <L extends string>(name: string, help: string, labels: readonly L[]) =>
      new Gauge<L>(shared(name, help, labels)),
    histogram: <L extends string>(
      name: string,
      help: string,
      labels: readonly L[],
      buckets: readonly number[],
    ) => new Histogram<L>({ ...shared(name, help, labels), buckets: [...buckets] }),
  };
}
