/** What a run leaves for `--rerun-failed`: which jobs are to run again, and what others have made. */

import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { ConfigurationError } from "../errors.ts";
import { parseJson } from "../util/json.ts";

/** Made when one is read. */
const LastRun = z.lazy(() => {
  const artifact = z.object({
    type: z.string(),
    format: z.string(),
    filename: z.string(),
    size: z.number(),
    sha256: z.string(),
    path: z.string(),
  });
  return z.object({
    /** Full names of jobs of the root pipeline that failed, or did not run for what became of others. */
    open: z.array(z.string()),
    past: z.array(z.object({
      name: z.string(),
      dotenv: z.record(z.string(), z.string()),
      artifacts: z.array(artifact),
    })),
  });
});
export type LastRun = z.infer<typeof LastRun>;

const FILE = "last-run.json";

export function saveLastRun(directory: string, run: LastRun): void {
  const path = join(directory, FILE);
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(run), { mode: 0o600 });
  renameSync(draft, path);
}

/** Throws ConfigurationError when there is none. */
export function loadLastRun(directory: string): LastRun {
  const path = join(directory, FILE);
  if (existsSync(path)) {
    const parsed = LastRun.safeParse(parseJson(readFileSync(path, "utf8")));
    if (parsed.success) return parsed.data;
  }
  throw new ConfigurationError("There is no earlier run here whose failed jobs could be run again");
}
