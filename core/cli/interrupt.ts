/** The user's wish to stop a command, as a signal. */

import { RunnerError } from "../errors.ts";
import type { Program } from "./program.ts";

export interface Interrupt extends Disposable {
  /** Aborts at SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
}

/** Listens until disposed; meanwhile those signals do not end the process. */
export function interruptSignal({ signals }: Pick<Program, "signals">): Interrupt {
  const controller = new AbortController();
  const stop = () => controller.abort(new RunnerError("Interrupted"));
  const unlisten = [signals.on("SIGINT", stop), signals.on("SIGTERM", stop)];
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const remove of unlisten) remove();
    },
  };
}
