/** Measures masking: `bun scripts/bench/masker.ts` prints MB/s for several sets of secrets. */

import { Masker, MaskRules, tokenPrefixes } from "../../core/trace/masker.ts";
import { PatternSet } from "../../core/trace/pattern_set.ts";
import { ValueMasker } from "../../core/trace/value_masker.ts";

const WRITE_BYTES = 64 * 1024;
const TOTAL_BYTES = 512 * 1024 * 1024;

function main(): void {
  const text = logText(4 * 1024 * 1024);
  for (const [count, shortest] of [[50, 14], [20, 20], [50, 8], [3, 3]] as const) {
    const secrets = Array.from({ length: count }, (_, i) => randomText(shortest + i % 28));
    const patterns = new PatternSet(secrets.map((secret) => Buffer.from(secret)));
    report(`${count} secrets of ${shortest}+ bytes, values only`, text, (emit) => {
      const masker = new ValueMasker(() => patterns, emit);
      return (bytes) => masker.write(bytes);
    });
    report(`${count} secrets of ${shortest}+ bytes, all rules`, text, (emit) => {
      const rules = new MaskRules(tokenPrefixes([], { all: true }));
      rules.addValues(secrets);
      const masker = new Masker(rules, emit);
      return (bytes) => masker.write(bytes);
    });
  }
}

type Write = (bytes: Uint8Array) => void;

function report(what: string, text: Uint8Array, open: (emit: Write) => Write): void {
  let emitted = 0;
  const write = open((bytes) => {
    emitted += bytes.length;
  });
  const start = performance.now();
  for (let sent = 0; sent < TOTAL_BYTES; sent += WRITE_BYTES) {
    const from = sent % text.length;
    write(text.subarray(from, from + WRITE_BYTES));
  }
  const seconds = (performance.now() - start) / 1000;
  const rate = Math.round(TOTAL_BYTES / 1e6 / seconds);
  process.stdout.write(
    `${what.padEnd(48)} ${String(rate).padStart(6)} MB/s (${emitted} bytes out)\n`,
  );
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

function randomText(length: number): string {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  return Array.from({ length }, () => letters[Math.floor(Math.random() * letters.length)]).join("");
}

main();
