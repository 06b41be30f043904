/** A job that prints much, with values to hide in it. */

import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Benchmark } from "../benchmark.ts";
import { jobMs, Lab } from "../lab.ts";
import { randomText } from "../random_text.ts";

const LOG_BYTES = 200e6;
const SECRETS = 20;
/** A secret stands in one of so many lines. */
const LINES_PER_SECRET = 1000;

export const longLog: Benchmark = {
  name: "log",
  runs: 3,
  quantities: [
    { what: "200 MB log with 20 masked values: wall", unit: "s", goal: 3 },
    { what: "… CPU of the manager", unit: "s", goal: 2.5 },
    { what: "… peak memory of the manager", unit: "MiB", goal: 150 },
  ],
  async *measure({ executable, runs, scratch }) {
    const secrets = Array.from({ length: SECRETS }, (_, index) => randomText(20 + index));
    for (let run = 0; run < runs; run++) {
      await using lab = await Lab.open({ executable, scratch, entry: ["output_limit = 1000000"] });
      const path = join(lab.directory, "log");
      writeLog(path, secrets);
      const masked = secrets.map((value, index) => [`SECRET_${index}`, { value, masked: true }]);
      const before = lab.manager.cpuMs;
      const job = await lab.run({
        script: `cat '${path}'`,
        variables: { GIT_STRATEGY: "none", ...Object.fromEntries(masked) },
      });
      const cpuMs = lab.manager.cpuMs - before;
      const trace = Buffer.from(await job.trace.bytes());
      const shown = secrets.filter((secret) => trace.includes(secret));
      if (shown.length > 0) throw new Error(`The log shows ${shown.length} masked values`);
      yield [jobMs(job) / 1000, cpuMs / 1000, lab.manager.peakMiB];
    }
  },
};

function writeLog(path: string, secrets: readonly string[]): void {
  const lines = Array.from({ length: 10_000 }, (_, index) => {
    const secret = index % LINES_PER_SECRET === 0
      ? secrets[index / LINES_PER_SECRET % SECRETS]
      : "";
    return `[${index}] compiling module ${randomText(12)} ${secret} -> build/${
      randomText(8)
    }.o ok\n`;
  });
  const block = Buffer.from(lines.join(""));
  const fd = openSync(path, "w");
  for (let written = 0; written < LOG_BYTES;) written += writeSync(fd, block);
  closeSync(fd);
}
