/** The HTTP endpoints of a running manager: metrics, health and debugging. */

import { Hono } from "hono";
import type { JobState, ManagerSnapshot } from "../metrics/snapshot.ts";
import { formatDuration } from "../util/units.ts";

/** Where the endpoints read what they tell. */
export interface HttpSources {
  readonly snapshot: () => ManagerSnapshot;
  readonly contentType: string;
  readonly scrape: () => Promise<string>;
}

/** Routes of `listen_address`. Holds no state of its own. */
export function httpApp(sources: HttpSources): Hono {
  const app = new Hono();
  app.get(
    "/metrics",
    async (context) =>
      context.body(await sources.scrape(), 200, { "Content-Type": sources.contentType }),
  );
  app.all(
    "/metrics",
    (context) => context.text("Method not allowed\n", 405, { "Allow": "GET, HEAD" }),
  );
  app.get("/health/ready", (context) => context.text("ready\n"));
  app.get(
    "/debug/jobs/list",
    (context) =>
      context.text(sources.snapshot().jobs.map(jobLine).join(""), 200, { "X-List-Version": "2" }),
  );
  app.get(
    "/debug/process/state",
    (context) => context.text(`${sources.snapshot().processState}\n`),
  );
  return app;
}

function jobLine(job: JobState): string {
  return `url=${job.url} state=${job.state} stage=${job.stage} ` +
    `executor_stage=${job.executorStage} duration=${formatDuration(job.durationMs)}\n`;
}
