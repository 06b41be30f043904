/** Samples to rows, rows to a table. */

import type { Benchmark, Quantity, Unit } from "./benchmark.ts";

export interface Row extends Quantity {
  readonly benchmark: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly runs: number;
  readonly ok: boolean;
}

export function rowsOf(benchmark: Benchmark, samples: readonly (readonly number[])[]): Row[] {
  return benchmark.quantities.map((quantity, index) => {
    const values = samples.map((sample) => sample[index] ?? Number.NaN).sort((a, b) => a - b);
    const median = medianOf(values);
    return {
      benchmark: benchmark.name,
      ...quantity,
      median,
      min: values[0] ?? Number.NaN,
      max: values.at(-1) ?? Number.NaN,
      runs: values.length,
      ok: median <= quantity.goal,
    };
  });
}

const HEADINGS = ["name", "measure", "median", "min–max", "goal", "runs", ""] as const;
const WIDTHS = [10, 50, 10, 17, 10, 5, 4] as const;

export function headLine(): string {
  return tableLine(HEADINGS);
}

export function rowLine(row: Row): string {
  const { unit } = row;
  return tableLine([
    row.benchmark,
    row.what,
    `${figure(row.median, unit)} ${unit}`,
    `${figure(row.min, unit)}–${figure(row.max, unit)}`,
    `≤ ${row.goal} ${unit}`,
    String(row.runs),
    row.ok ? "ok" : "over",
  ]);
}

function tableLine(cells: readonly string[]): string {
  return cells.map((cell, index) => cell.padEnd(WIDTHS[index] ?? 0)).join("  ").trimEnd();
}

function figure(value: number, unit: Unit): string {
  return value.toFixed(unit === "s" || unit === "%" ? 2 : 1);
}

/** Of sorted values. */
function medianOf(values: readonly number[]): number {
  const middle = values.length / 2;
  const low = values[Math.ceil(middle) - 1] ?? Number.NaN;
  const high = values[Math.floor(middle)] ?? low;
  return (low + high) / 2;
}
