/** What extracting an archive of any format needs. */

export interface ExtractOptions {
  readonly archive: string;
  /** An existing directory; nothing outside of it is written. */
  readonly destination: string;
  /** Told of each entry that is refused or damaged; the others are extracted. */
  readonly onProblem: (name: string, problem: string) => void;
  readonly signal: AbortSignal;
}
