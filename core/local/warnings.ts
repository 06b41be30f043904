/** Warnings about a whole run, as events and for those who only look at it. */

import { relative } from "node:path";
import type { CiWarning } from "../pipeline/place.ts";
import type { EventStream } from "./event_stream.ts";
import type { Sources } from "./sources.ts";

/** Names what jobs do not have as it is in the working tree. */
export function sourceWarnings({ tree, unreadable }: Sources): readonly CiWarning[] {
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
