/** A request's body on its way out, and the wait for the answer that starts when it is gone. */

import { type Deadline, DeadlineExceeded } from "../util/abort.ts";

/** A body that can be opened again for a repetition or a redirect. */
export type RequestBody = string | Uint8Array | (() => AsyncIterable<Uint8Array>);

/** Aborts `limit` when the answer's header does not come in time after the end of the request. */
export class HeaderWait implements Disposable {
  readonly #start: () => ReturnType<typeof setTimeout>;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #over = false;

  constructor(limitMs: number, url: URL, limit: Deadline) {
    const late = () => new DeadlineExceeded(`Waiting for an answer of "${url.host}"`, limitMs);
    this.#start = () => setTimeout(() => limit.abort(late()), limitMs);
  }

  /** An answer may come before the body's end; then there is nothing to wait for. */
  begin(): void {
    if (!this.#over) this.#timer = this.#start();
  }

  [Symbol.dispose](): void {
    this.#over = true;
    clearTimeout(this.#timer);
  }
}

export interface OpenBody {
  readonly content: string | Uint8Array | (() => AsyncGenerator<Uint8Array>) | undefined;
  /** What the body's source threw; undefined while it is well. */
  failure(): unknown;
}

/** Opens `body` for one attempt; `wait` begins when the last byte has been handed over. */
export function openBody(body: RequestBody | undefined, wait: HeaderWait): OpenBody {
  if (typeof body !== "function") {
    wait.begin();
    return { content: body, failure: () => undefined };
  }
  const open = body;
  let failure: unknown;
  async function* content(): AsyncGenerator<Uint8Array> {
    try {
      yield* open();
    } catch (error) {
      failure = error;
      throw error;
    }
    wait.begin();
  }
  return { content, failure: () => failure };
}
