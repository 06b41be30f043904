/** `--json`: one event per line, and nothing else. */

import type { ExecView, ViewOutput } from "./view.ts";

export function jsonView(output: ViewOutput): ExecView {
  return {
    event: (event) => void output.write(`${JSON.stringify(event)}\n`),
    finish: () => {},
    [Symbol.dispose]: () => {},
  };
}
