/** Runs a small command of our own on the target and keeps what it prints. */

import type { SshStarter } from "../../core/ssh/mod.ts";
import { abortable } from "../../core/util/abort.ts";

export interface Captured {
  /** Undefined: a signal ended it. */
  readonly code: number | undefined;
  readonly output: string;
  readonly errors: string;
}

/** What our commands answer is a few lines; a profile that prints more is not read to its end. */
const MOST_BYTES = 64 * 1024;

/** Throws SystemFailure when the connection breaks. */
export async function capture(
  host: SshStarter,
  command: string,
  options: { input?: AsyncIterable<Uint8Array> | Iterable<Uint8Array>; signal: AbortSignal },
): Promise<Captured> {
  const kept = { output: "", errors: "" };
  const keep = (stream: keyof typeof kept) => (bytes: Uint8Array) => {
    kept[stream] = (kept[stream] + new TextDecoder().decode(bytes)).slice(-MOST_BYTES);
    return undefined;
  };
  const process = await host.start(
    command,
    { output: keep("output"), errors: keep("errors") },
    options,
  );
  try {
    for await (const bytes of options.input ?? []) {
      options.signal.throwIfAborted();
      await abortable(process.write(bytes), options.signal);
    }
    process.endInput();
    const end = await abortable(process.ended, options.signal);
    return { code: end.kind === "exited" ? end.code : undefined, ...kept };
  } catch (error) {
    process.abandon(error);
    throw error;
  }
}
