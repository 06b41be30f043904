/** Hiding secrets in a log: the masker alone, in this process. */

import type { Benchmark } from "../benchmark.ts";
import { Masker, MaskRules, tokenPrefixes } from "../../../core/trace/masker.ts";
import { randomText } from "../random_text.ts";

const LOG_BYTES = 1e9;
const WRITE_BYTES = 64 * 1024;

/** How many masked values, and the length of the shortest: both decide how fast it goes. */
const SECRETS = [[50, 14], [50, 8], [3, 3]] as const;

export const masker: Benchmark = {
  name: "masker",
  runs: 3,
  quantities: SECRETS.map(([count, shortest]) => ({
    what: `CPU to mask 1 GB, ${count} values of ${shortest} bytes on`,
    unit: "s",
    // 500 MB a second.
    goal: 2,
  })),
  async *measure({ runs }) {
    const text = logText(4 * 1024 * 1024);
    for (let run = 0; run < runs; run++) {
      yield SECRETS.map(([count, shortest]) => maskSeconds(text, count, shortest));
    }
  },
};

function maskSeconds(text: Uint8Array, count: number, shortest: number): number {
  const rules = new MaskRules(tokenPrefixes([], { all: true }));
  rules.addValues(Array.from({ length: count }, (_, index) => randomText(shortest + index % 28)));
  let emitted = 0;
  const masker = new Masker(rules, (bytes) => {
    emitted += bytes.length;
  });
  const before = process.cpuUsage();
  for (let sent = 0; sent < LOG_BYTES; sent += WRITE_BYTES) {
    const from = sent % text.length;
    masker.write(text.subarray(from, from + WRITE_BYTES));
  }
  masker.flush();
  const { user, system } = process.cpuUsage(before);
  if (emitted < LOG_BYTES / 2) throw new Error(`Only ${emitted} of ${LOG_BYTES} bytes came out`);
  return (user + system) / 1e6;
}

function logText(length: number): Uint8Array {
  const line = () =>
    `[${Math.random().toFixed(6)}] compiling module ${randomText(12)} -> build/${
      randomText(8)
    }.o ok\n`;
  let text = "";
  while (text.length < length) text += line();
  return Buffer.from(text.slice(0, length));
}
