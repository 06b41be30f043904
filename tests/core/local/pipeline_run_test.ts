import { expect, test } from "bun:test";
import { EventStream } from "../../../core/local/event_stream.ts";
import { reportWithoutScript } from "../../../core/local/job_attempt.ts";
import { runPipeline } from "../../../core/local/pipeline_run.ts";
import { compose } from "../../../core/pipeline/compose.ts";
import { EVERYTHING, select } from "../../../core/pipeline/select.ts";
import { config, facts } from "../pipeline/builders.ts";

test("runPipeline ends, also when it was canceled before its first job", async () => {
  const pipeline = compose(config({ first: {}, second: { needs: ["first"] } }), facts());
  const told: string[] = [];
  const end = await runPipeline({
    pipeline,
    selection: select(pipeline, EVERYTHING),
    path: [],
    events: new EventStream((event) => {
      if (event.type === "job.finished") told.push(`${event.job} ${event.status}`);
      if (event.type === "job.skipped") told.push(`${event.job} ${event.reason}`);
    }),
    runJob: (_job, _attempt) => Promise.resolve(reportWithoutScript("canceled", 0)),
    signal: AbortSignal.abort(new Error("Interrupted")),
  });
  expect(end.status).toBe("canceled");
  expect(told).toEqual(["second canceled", "first canceled"]);
});
