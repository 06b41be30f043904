/** Which directories the jobs of this process have for their checkouts. */

import { abortable } from "./abort.ts";

interface Claim {
  readonly path: string;
  readonly granted: PromiseWithResolvers<void>;
  isGranted: boolean;
}

/**
 * Gives a directory to one job at a time, together with all that lies in it or around it. Jobs come
 * to their turn in the order of asking. Who asks must hold nothing that another job may wait for.
 */
export class CheckoutClaims {
  readonly #claims: Claim[] = [];

  /**
   * Settles when no job that asked earlier has `path` (absolute, without `.` and `..`); `onWait` is
   * called first when one has. Rejects with the signal's reason when that aborts.
   */
  async claim(
    path: string,
    options: { onWait: () => void; signal: AbortSignal },
  ): Promise<Disposable> {
    const claim: Claim = { path, granted: Promise.withResolvers(), isGranted: false };
    this.#claims.push(claim);
    this.#grant();
    const release = () => this.#release(claim);
    if (claim.isGranted) return { [Symbol.dispose]: release };
    try {
      options.onWait();
      await abortable(claim.granted.promise, options.signal);
    } catch (error) {
      release();
      throw error;
    }
    return { [Symbol.dispose]: release };
  }

  #release(claim: Claim): void {
    const at = this.#claims.indexOf(claim);
    if (at < 0) return;
    this.#claims.splice(at, 1);
    this.#grant();
  }

  #grant(): void {
    this.#claims.forEach((claim, index) => {
      if (claim.isGranted) return;
      if (this.#claims.slice(0, index).some(({ path }) => meet(path, claim.path))) return;
      claim.isGranted = true;
      claim.granted.resolve();
    });
  }
}

function meet(one: string, other: string): boolean {
  return one === other || one.startsWith(`${other}/`) || other.startsWith(`${one}/`);
}
