/** The seam between messages and what carries them. */

/** Lines in both directions. */
export interface Transport {
  /**
   * What the other side sends, in order. Ends when it has closed; throws ProtocolViolation for what
   * is no line. May be iterated once.
   */
  readonly lines: AsyncIterable<string>;
  /** Takes `line`, which has no line end. Awaiting the result, when there is one, is backpressure. */
  send(line: string): Promise<void> | undefined;
  /** Tells the other side that nothing more will come. Idempotent. */
  close(): void;
}

/** Two ends of one connection inside this process. */
export function linkedPair(): readonly [Transport, Transport] {
  const [toFirst, toSecond] = [new LineQueue(), new LineQueue()];
  const end = (lines: LineQueue, other: LineQueue): Transport => ({
    lines,
    send: (line) => other.push(line),
    close: () => other.end(),
  });
  return [end(toFirst, toSecond), end(toSecond, toFirst)];
}

/** Lines on their way, for one reader. */
class LineQueue implements AsyncIterable<string> {
  readonly #lines: string[] = [];
  #ended = false;
  #wake: (() => void) | undefined;

  push(line: string): undefined {
    if (!this.#ended) this.#lines.push(line);
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    for (;;) {
      const line = this.#lines.shift();
      if (line !== undefined) yield line;
      else if (this.#ended) return;
      else {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        await promise;
      }
    }
  }
}
