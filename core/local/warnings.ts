/** A warning of reading and composing, as an event. */

import type { CiWarning } from "../pipeline/place.ts";
import type { EventStream } from "./event_stream.ts";

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
