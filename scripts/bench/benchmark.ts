/** What is measured, in which unit, and how much is too much. */

export type Unit = "ms" | "s" | "MiB" | "%";

/** One row of the table. */
export interface Quantity {
  readonly what: string;
  readonly unit: Unit;
  /** The most that is still good, in `unit`. */
  readonly goal: number;
}

export interface MeasureOptions {
  /** The compiled executable under test. Absolute. */
  readonly executable: string;
  readonly runs: number;
  /** Folder for whatever the runs leave; it is removed when all benchmarks are over. */
  readonly scratch: string;
}

/** A run that gives one or more quantities, repeated. */
export interface Benchmark {
  /** Selects it on the command line. */
  readonly name: string;
  /** How often it runs unless the command line says otherwise. */
  readonly runs: number;
  readonly quantities: readonly Quantity[];
  /** Why it cannot run on this machine; undefined: it can. */
  missing?(): string | undefined;
  /** Yields one sample per run: a number for each quantity, in their order. */
  measure(options: MeasureOptions): AsyncIterable<readonly number[]>;
}
