/** Whether what failed once still answers: asked before it is used again, and after a no never again. */

export class Doubt {
  readonly #ask: (signal: AbortSignal) => Promise<void>;
  #isRaised = false;
  #no: { readonly error: unknown } | undefined;

  /** `ask` throws for a no, and takes no longer than everybody who waits for it may. */
  constructor(ask: (signal: AbortSignal) => Promise<void>) {
    this.#ask = ask;
  }

  get isRaised(): boolean {
    return this.#isRaised;
  }

  raise(): void {
    this.#isRaised = true;
  }

  /** Asks when there is a doubt. Throws the first no, and the signal's reason after an abort. */
  async settle(signal: AbortSignal): Promise<void> {
    if (!this.#isRaised) return;
    if (this.#no !== undefined) throw this.#no.error;
    try {
      await this.#ask(signal);
    } catch (error) {
      signal.throwIfAborted();
      this.#no = { error };
      throw error;
    }
    this.#isRaised = false;
  }
}
