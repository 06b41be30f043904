/**
 * Configurations as users write them, read, composed and run. Beside its files, a case has:
 *
 * - `event`: what starts the pipeline; a push to `main` unless it says otherwise;
 * - `jobs`: the jobs that come out, in order, with what is expected of them; a name alone expects no
 *   more than that it is there;
 * - `name`, `excluded`, `warnings`, `errors`, `refusal`: what else comes out;
 * - `select`: what a command line asks for; `endings`: how jobs end, well unless it says otherwise;
 *   `run`: all that happens then, and `status`: what it comes to.
 */

import { expect, test } from "bun:test";
import { load } from "js-yaml";
import { z } from "zod";
import type { CiSource } from "../../../core/pipeline/ci_source.ts";
import { compose } from "../../../core/pipeline/compose.ts";
import type { Pipeline, PipelineFacts, PipelineJob } from "../../../core/pipeline/pipeline.ts";
import { CiConfigError, describeProblem } from "../../../core/pipeline/place.ts";
import { readConfig } from "../../../core/pipeline/read_config.ts";
import { EVERYTHING, select } from "../../../core/pipeline/select.ts";
import { expandForRunner } from "../../../core/pipeline/variables/nested.ts";
import { facts, valuesOf } from "./builders.ts";
import { type CaseFile, loadCases } from "./case_file.ts";
import { firstDifference } from "./matches.ts";
import { play } from "./trial_run.ts";

const values = z.record(z.string(), z.string());

const Event = z.strictObject({
  source: z.string().default("push"),
  branch: z.string().default("main"),
  tag: z.string().optional(),
  predefined: values.default({}),
  project: values.default({}),
  pipeline: values.default({}),
  /** Undefined: nothing to compare with. */
  changed: z.array(z.string()).optional(),
  changedSince: z.record(z.string(), z.array(z.string())).default({}),
  /** Of the project, beside those of the case. */
  files: z.array(z.string()).default([]),
  /** Of other projects, by `project@ref`; `no-ref`: there is no such ref. */
  filesOf: z.record(z.string(), z.union([z.array(z.string()), z.literal("no-ref")])).default({}),
});
type Event = z.infer<typeof Event>;

const names = z.array(z.string()).default([]);
const Select = z.strictObject({
  jobs: names,
  stages: names,
  manual: names,
  needs: z.enum(["none", "also", "only"]).default("none"),
  rerun: z.array(z.string()).optional(),
});

for (const one of await loadCases("composing")) {
  test(`compose: ${one.name}: ${one.about}`, async () => {
    const event = Event.parse(read(one, "event") ?? {});
    const { pipeline, errors } = await composed(one, event);
    expect(errors).toEqual(linesOf(one, "errors"));
    if (pipeline === undefined) return;
    expect(pipeline.refusal).toBe(one.sections.get("refusal")?.trimEnd());
    expectJobs(pipeline, read(one, "jobs"));
    expectLines(one, "name", pipeline.name === undefined ? [] : [pipeline.name]);
    expectLines(one, "excluded", pipeline.excluded.map((each) => `${each.name}: ${each.message}`));
    const { rerun, ...asked } = Select.parse(read(one, "select") ?? {});
    const request = { ...EVERYTHING, ...asked, rerun };
    const warnings = [...pipeline.warnings, ...select(pipeline, request).warnings];
    expectLines(one, "warnings", warnings.map(describeProblem));
    const endings = values.parse(read(one, "endings") ?? {});
    if (one.sections.has("run")) {
      const played = play(pipeline, endings, request);
      expectLines(one, "run", played.events);
      const status = one.sections.get("status")?.trimEnd();
      if (status !== undefined) expect(played.step.status).toBe(status as "manual");
    }
  });
}

async function composed(
  one: CaseFile,
  event: Event,
): Promise<{ readonly pipeline: Pipeline | undefined; readonly errors: readonly string[] }> {
  const ofEvent = factsOf(one, event);
  try {
    const config = await readConfig(sourceOf(one), {
      file: ".gitlab-ci.yml",
      variables: ofEvent.predefined,
      inputs: {},
      signal: new AbortController().signal,
    });
    return { pipeline: compose(config, ofEvent), errors: [] };
  } catch (error) {
    if (!(error instanceof CiConfigError)) throw error;
    return { pipeline: undefined, errors: error.problems.map(describeProblem) };
  }
}

function factsOf(one: CaseFile, event: Event): PipelineFacts {
  const { tag, branch, source, changed, ...more } = event;
  const ref = tag ?? branch;
  const isMergeRequest = source === "merge_request_event";
  return {
    ...facts({
      ...more,
      source,
      ref,
      isTag: tag !== undefined,
      files: [...one.files.keys(), ...event.files],
      ...(changed === undefined ? {} : { changed }),
    }),
    predefined: {
      CI_PROJECT_PATH: "group/app",
      CI_PIPELINE_SOURCE: source,
      CI_DEFAULT_BRANCH: "main",
      CI_COMMIT_REF_NAME: ref,
      ...(tag === undefined ? {} : { CI_COMMIT_TAG: tag }),
      ...(tag === undefined && !isMergeRequest ? { CI_COMMIT_BRANCH: branch } : {}),
      ...(isMergeRequest ? { CI_MERGE_REQUEST_IID: "1" } : {}),
      ...event.predefined,
    },
  };
}

function sourceOf({ files }: CaseFile): CiSource {
  return {
    read: (path) => Promise.resolve(files.get(path)),
    files: () => [...files.keys()],
    changedFiles: () => undefined,
    fetch: () => Promise.reject(new Error("These cases have files of one project only")),
    filesOf: () => Promise.resolve([]),
  };
}

function expectJobs({ jobs }: Pipeline, expected: unknown): void {
  const wanted = z.record(z.string(), z.unknown()).parse(expected ?? {});
  expect(jobs.map(({ name }) => name)).toEqual(Object.keys(wanted));
  for (const job of jobs) {
    const want = wanted[job.name];
    if (want === null) continue;
    expect(firstDifference(described(job), want, job.name)).toBeUndefined();
  }
}

/** A job with short forms of what is long: names of needs, images and services, values of variables. */
function described(job: PipelineJob): Record<string, unknown> {
  return {
    ...job,
    needs: job.needs?.map((need) => need.job),
    variables: valuesOf(expandForRunner(job.variables)),
    image: job.image?.name,
    services: job.services.map(({ name }) => name),
  };
}

function expectLines(one: CaseFile, section: string, actual: readonly string[]): void {
  if (one.sections.has(section)) expect(actual).toEqual(linesOf(one, section));
}

function linesOf({ sections }: CaseFile, section: string): string[] {
  const text = sections.get(section)?.trimEnd() ?? "";
  return text === "" ? [] : text.split("\n");
}

function read({ sections }: CaseFile, section: string): unknown {
  const text = sections.get(section);
  return text === undefined ? undefined : load(text);
}
