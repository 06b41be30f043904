/** One place where the sources break a rule. */

export interface Offence {
  readonly path: string;
  /** What is wrong there and what to do instead. */
  readonly problem: string;
}
