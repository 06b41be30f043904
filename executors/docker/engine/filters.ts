/** Filters of the engine's lists and events, as its query wants them. */

import type { Labels } from "./engine.ts";

/** Objects that carry all of `labels`; `more` narrows further, by the engine's own filter names. */
export function labelFilter(
  labels: Labels,
  more: Readonly<Record<string, readonly string[]>> = {},
): string {
  const label = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  return JSON.stringify({ ...more, label });
}
