import { expect, test } from "bun:test";
import { EventStream } from "../../../core/local/event_stream.ts";
import { PipelineTree } from "../../../core/local/pipeline_tree.ts";
import { compose } from "../../../core/pipeline/compose.ts";
import { EVERYTHING, select } from "../../../core/pipeline/select.ts";
import { config, facts } from "../pipeline/builders.ts";

type Options = ConstructorParameters<typeof PipelineTree>[0];

test("PipelineTree fails a trigger job whose file cannot be read", async () => {
  const include = [{ kind: "include", include: "child.yml" }] as const;
  const pipeline = compose(config({ down: { trigger: { include, depends: true } } }), facts());
  const told: string[] = [];
  const tree = new PipelineTree({
    plan: {
      manual: [],
      sources: { facts: {}, sha: "" },
      files: { read: () => Promise.reject(new Error("the disk is broken")) },
    },
    runner: {
      openPipeline() {},
      nextId: () => 1,
      tellFault: (job: { name: string }, _: unknown, why: string) =>
        told.push(`${job.name}: ${why}`),
    },
    events: new EventStream((event) => {
      if (event.type === "job.finished") told.push(`${event.status} ${event.failure_reason}`);
    }),
    directory: "",
    signal: new AbortController().signal,
  } as unknown as Options);
  const selection = select(pipeline, EVERYTHING);
  const { status } = await tree.run({ pipeline, selection, facts: facts() });
  expect(status).toBe("failed");
  expect(told).toEqual(["down: the disk is broken", "failed runner_system_failure"]);
});
