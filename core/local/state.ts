/** Where local pipelines keep what outlives a run: one place per repository. */

import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { openStateDir } from "../runner/state_dir.ts";
import { isAlive } from "../util/is_alive.ts";

export interface LocalStateOptions {
  /** Root of the working tree. */
  readonly root: string;
  /** `--state-dir`. */
  readonly directory: string | undefined;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Held by one run; runs at the same time have different ones. */
export interface LocalState extends Disposable {
  /** Tells this run from all others of this machine that are under way. */
  readonly id: string;
  /** As a runner's token: of this repository. Part of names of directories, containers and volumes. */
  readonly token: string;
  /** Where the configuration of a manager would be. */
  readonly config: string;
  /** For the engine: records of running jobs. Private to this run. */
  readonly engine: string;
  /** For sources. Private to this run, and kept for the next. */
  readonly sources: string;
  /** Logs and artifacts of this run. */
  readonly run: string;
  /** Checkouts and caches, which jobs of all runs share. */
  readonly builds: string;
  readonly cache: string;
  /** Build directories of failed jobs. Private to this run, and removed by the next in its place. */
  readonly kept: string;
  /** Files that were included from elsewhere. */
  readonly includes: string;
  /** Of the whole repository: what the last run left for the next. */
  readonly shared: string;
  /** All of the above is in these, which may be in the working tree and are no part of it. */
  readonly places: readonly string[];
}

/** Earlier runs whose logs and artifacts are kept. */
const KEPT_RUNS = 10;

export function openLocalState(options: LocalStateOptions): LocalState {
  const digest = createHash("sha256").update(options.root).digest("hex").slice(0, 12);
  const name = `${basename(options.root).replaceAll(/[^\w.-]/g, "_") || "root"}-${digest}`;
  const { state, cache } = homes(options);
  const shared = join(state, name);
  const caches = join(cache, name);
  const config = join(shared, "exec");
  const own = openStateDir(config);
  const runs = join(shared, "runs");
  const run = join(runs, `${new Date().toISOString().replace(/\D/g, "")}-${process.pid}`);
  mkdirSync(run, { recursive: true, mode: 0o700 });
  removeOldRuns(runs);
  const sources = join(caches, "sources", basename(own.path));
  mkdirSync(sources, { recursive: true, mode: 0o700 });
  return {
    id: `exec_${digest}_${basename(own.path)}`,
    // Longer than what is shown of it: as a secret it is masked in logs, where paths may be seen.
    token: `${digest}-local-exec`,
    config,
    engine: own.path,
    sources,
    run,
    builds: join(caches, "builds"),
    cache: join(caches, "cache"),
    kept: join(caches, "kept", basename(own.path)),
    includes: join(caches, "includes"),
    shared,
    places: [shared, caches],
    [Symbol.dispose]: () => own[Symbol.dispose](),
  };
}

function homes({ directory, home, env }: LocalStateOptions) {
  if (directory !== undefined) return { state: directory, cache: join(directory, "cache") };
  return {
    state: join(env["XDG_STATE_HOME"] || join(home, ".local/state"), "gitlab-runner/exec"),
    cache: join(env["XDG_CACHE_HOME"] || join(home, ".cache"), "gitlab-runner/exec"),
  };
}

/** Names begin with the time, so the oldest come first, and end with the process. */
function removeOldRuns(runs: string): void {
  for (const name of readdirSync(runs).sort().slice(0, -KEPT_RUNS - 1)) {
    if (isAlive(Number(name.split("-").at(-1)))) continue;
    rmSync(join(runs, name), { recursive: true, force: true });
  }
}
