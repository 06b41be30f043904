/** `--explain-vars`: each variable of a job, its value, and where it comes from. */

import { expand } from "../../job/expand.ts";
import type { LocalVariable } from "../variables/job_variables.ts";
import type { Paint } from "./paint.ts";

/** The last definition of each name, with those that it hides behind it. */
export function explainVariables(variables: readonly LocalVariable[], paint: Paint): string {
  const byKey = Map.groupBy(variables, ({ key }) => key);
  const lines = [...byKey].toSorted(([a], [b]) => a < b ? -1 : 1).map(([key, all]) => {
    const last = all.at(-1);
    if (last === undefined) return "";
    const hidden = all.slice(0, -1).map(({ origin }) => origin)
      .filter((origin) => origin !== last.origin);
    const over = hidden.length === 0 ? "" : `, over ${[...new Set(hidden)].join(", ")}`;
    const text = last.masked ? "[MASKED]" : JSON.stringify(valueOf(last, byKey));
    const kind = last.file ? ", in a file" : "";
    return `${paint("bold", key)}=${text} ${paint("dim", `(${last.origin}${kind}${over})`)}`;
  });
  return `${lines.join("\n")}\n`;
}

/** As the runner expands it: one pass, over the values as they are written. */
function valueOf(
  variable: LocalVariable,
  byKey: ReadonlyMap<string, readonly LocalVariable[]>,
): string {
  if (variable.raw) return variable.value;
  return expand(variable.value, (name) => byKey.get(name)?.at(-1)?.value ?? "");
}
