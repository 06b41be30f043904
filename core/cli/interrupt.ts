/** The user's wish to stop a command, as a signal. */

import { RunnerError } from "../errors.ts";
import type { Program } from "./program.ts";

export interface Interrupt extends Disposable {
  /** Aborts at SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  /** Settles when it is asked for once more: nobody wants to wait for what is tidied up. */
  readonly again: Promise<void>;
  /** The same as a signal of the system: a terminal in raw mode hands Ctrl-C over as a key. */
  request(): void;
}

/** Listens until disposed; meanwhile those signals do not end the process. */
export function interruptSignal({ signals }: Pick<Program, "signals">): Interrupt {
  const controller = new AbortController();
  const again = Promise.withResolvers<void>();
  const request = () => {
    if (controller.signal.aborted) again.resolve();
    else controller.abort(new RunnerError("Interrupted"));
  };
  const unlisten = [signals.on("SIGINT", request), signals.on("SIGTERM", request)];
  return {
    signal: controller.signal,
    again: again.promise,
    request,
    [Symbol.dispose]() {
      for (const remove of unlisten) remove();
    },
  };
}
