/** Warnings about a whole run, as events and for those who only look at it. */

import { relative } from "node:path";
import type { PipelineJob } from "../pipeline/pipeline.ts";
import type { CiWarning } from "../pipeline/place.ts";
import { runnerReferencesIn } from "../pipeline/variables/references.ts";
import type { EventStream } from "./event_stream.ts";
import type { LocalPlan } from "./local_plan.ts";
import type { Sources } from "./sources.ts";

/** What the files of the pipeline do not tell: the working tree and the variables at hand do. */
export function localWarnings(
  { sources, selection }: LocalPlan,
  executorFor: (job: PipelineJob) => string,
): readonly CiWarning[] {
  const inImages = selection.run.filter((job) => executorFor(job) === "docker");
  return [...sourceWarnings(sources), ...imageWarnings(inImages, selection.run)];
}

/** A server has variables of the project and its groups, of which nobody here knows. */
function imageWarnings(
  jobs: readonly PipelineJob[],
  all: readonly PipelineJob[],
): readonly CiWarning[] {
  const reporting = new Set(
    all.filter(({ config }) => config.artifacts?.reports["dotenv"] !== undefined)
      .map(({ name }) => name),
  );
  const missing = new Map<string, PipelineJob[]>();
  for (const job of jobs) {
    if (job.artifactsFrom.some((name) => reporting.has(name))) continue;
    for (const name of unsetInImages(job)) missing.set(name, [...missing.get(name) ?? [], job]);
  }
  return [...missing].flatMap(([name, [first, ...more]]) => {
    if (first === undefined) return [];
    const names = more.length === 0 ? first.name : `${first.name} and ${more.length} more`;
    const message =
      `image: $${name} is not set here; on the server it is one of the project's settings, ` +
      `or of the instance's: give it with --variable ${name}=VALUE, or in .runner-exec.toml ` +
      `(${names})`;
    return [{ message, place: first.config.place, keyword: "image", job: undefined }];
  });
}

/** What a job gets when it runs begins with `CI_`; where a registry is, nobody tells it. */
const KNOWN_LATER = /^CI_(?!REGISTRY(?:_IMAGE)?$)/;

function unsetInImages({ image, services, variables }: PipelineJob): ReadonlySet<string> {
  const set = new Set(variables.map(({ key }) => key));
  const texts = [...(image === undefined ? [] : [image]), ...services].map(({ name }) => name);
  return new Set(
    texts.flatMap(runnerReferencesIn).filter((name) => !set.has(name) && !KNOWN_LATER.test(name)),
  );
}

/** Names what jobs do not have as it is in the working tree. */
function sourceWarnings({ tree, unreadable }: Sources): readonly CiWarning[] {
  const [first, ...more] = unreadable.map((path) => relative(tree.root, path));
  if (first === undefined) return [];
  const names = more.length === 0 ? `"${first}"` : `"${first}" and ${more.length} more`;
  const message = `${names} may not be read: jobs have what was committed of that, if anything`;
  return [{ message, place: undefined, keyword: undefined, job: undefined }];
}

export function tellWarning(
  events: EventStream,
  { message, place, keyword, job }: CiWarning,
): void {
  events.emit({
    type: "warning",
    message,
    keyword: keyword ?? null,
    file: place?.file ?? null,
    line: place?.line ?? null,
    job: job ?? null,
  });
}
