import { expect, test } from "bun:test";
import { openInstruments } from "../../../core/http/instruments.ts";
import { createProcessLog } from "../../../core/log/process_log.ts";
import { noMetrics } from "../../../core/metrics/no_metrics.ts";
import type { ManagerSnapshot } from "../../../core/metrics/snapshot.ts";
import { freePort } from "../../fixtures/free_port.ts";

const snapshot: ManagerSnapshot = {
  concurrent: 3,
  workerSlots: 3,
  processState: "in_service",
  runners: [],
  jobs: [],
};

function openLog() {
  const lines: string[] = [];
  const log = createProcessLog({
    write: (line) => lines.push(line),
    level: "info",
    format: "runner",
    colors: false,
  });
  return { log, logger: log.logger, lines };
}

test("openInstruments without an address drops everything and says so", async () => {
  const { lines, ...options } = openLog();
  await using instruments = await openInstruments("", options);
  expect(instruments.metrics).toBe(noMetrics);
  instruments.serve(() => snapshot);
  expect(lines.join("")).toContain(
    "listen_address not defined, metrics & debug endpoints disabled",
  );
});

test("openInstruments serves the manager's numbers and counts its log", async () => {
  const port = freePort();
  const { lines, ...options } = openLog();
  const instruments = await openInstruments(`127.0.0.1:${port}`, options);
  options.logger.with({ job: 1 }).warning("odd");
  instruments.metrics.configuration("loaded");
  instruments.serve(() => snapshot);
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  expect(text).toContain('gitlab_runner_errors_total{level="warning"} 1\n');
  expect(text).toContain("gitlab_runner_configuration_loaded_total 1\n");
  expect(text).toContain("gitlab_runner_concurrent 3\n");
  expect(lines.join("")).toContain("Metrics server listening");
  await instruments[Symbol.asyncDispose]();
  await expect(fetch(`http://127.0.0.1:${port}/metrics`)).rejects.toThrow();
});
