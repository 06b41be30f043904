/** What all ways to run a pipeline with `exec` end in: look at its plan, or run it. */

import { FailureShell } from "../../local/failure_shell.ts";
import { EventStream } from "../../local/event_stream.ts";
import type { LastRun } from "../../local/last_run.ts";
import type { LocalPlan } from "../../local/local_plan.ts";
import { runLocal } from "../../local/run_local.ts";
import type { EntrySettings } from "../../local/runner_entries.ts";
import type { LocalSettings } from "../../local/settings.ts";
import type { LocalState } from "../../local/state.ts";
import type { Paint } from "../../local/views/paint.ts";
import type { PipelineJob } from "../../pipeline/pipeline.ts";
import { whyNothing } from "../../pipeline/select.ts";
import type { Secret } from "../../util/secret.ts";
import type { CommandContext } from "../command.ts";
import { isListing, look } from "./look.ts";
import { concurrency, execOperands, timeoutSeconds } from "./request.ts";
import { execView, tellError } from "./view.ts";
import type { FlagValues } from "../flag.ts";
import { USAGE } from "../usage.ts";
import { userTerminal } from "../user_terminal.ts";

export interface ExecContext extends CommandContext {
  /** From the environment, which does not have it any more. */
  readonly token: Secret | undefined;
  readonly flags: FlagValues;
  readonly operands: readonly string[];
  readonly paint: Paint;
  /** Ctrl-C as a key of the live view. */
  readonly onInterrupt: () => void;
  readonly signal: AbortSignal;
}

export interface RunOptions {
  readonly plan: LocalPlan;
  readonly state: LocalState;
  readonly settings: LocalSettings;
  /** Keys of a runner entry, from flags and settings files. */
  readonly entry: EntrySettings;
  /** What earlier jobs have made that this run goes on from. */
  readonly lastRun: LastRun | undefined;
}

/** Beside GitLab's own words for a pipeline that it would not make. */
const WHERE_TO_LOOK = "--list says why of each job; --event, --branch, --tag and --mr make other " +
  "pipelines.";

/** Resolves with the exit code. */
export async function runPlan(exec: ExecContext, options: RunOptions): Promise<number> {
  const { flags, program, logger, paint, signal } = exec;
  const { plan, state, settings, entry, lastRun } = options;
  const { executor } = execOperands(exec.operands);
  const forced = flags.text("executor") ?? executor ?? settings.executor;
  const executorFor = (job: PipelineJob) =>
    forced ?? (job.image === undefined ? "shell" : "docker");
  // Child pipelines are not known yet: their jobs may use either.
  const used = plan.selection.run.map((job) => job.config.trigger ? "docker" : executorFor(job));
  const areAmong = (...names: readonly string[]) => used.every((name) => names.includes(name));
  const only = areAmong("shell") ? "shell" : areAmong("shell", "docker") ? "docker" : undefined;
  const limit = timeoutSeconds(flags);
  const why = plan.pipeline.refusal ??
    (plan.selection.run.length === 0 ? whyNothing(plan.selection) : undefined);
  if (why !== undefined && !isListing(flags)) {
    const json = flags.bool("json");
    const message = plan.pipeline.refusal === undefined || json ? why : `${why} ${WHERE_TO_LOOK}`;
    tellError("nothing_to_run", { message, place: undefined }, { json, program });
    return USAGE;
  }
  if (await look(flags, program, { plan, executorFor, paint, timeoutSeconds: limit })) return 0;
  const withShell = flags.bool("shell-on-failure");
  using view = await execView(flags, program, { ...exec, directory: state.run });
  const events = new EventStream((event) => view.event(event));
  return await runLocal({
    plan,
    state,
    env: program.env,
    // The terminal belongs to one job.
    concurrency: withShell ? 1 : concurrency(flags, settings.concurrency),
    executorFor,
    settings: entry,
    timeoutSeconds: limit,
    lastRun,
    keep: flags.bool("keep"),
    shell: withShell
      ? new FailureShell({
        env: program.env,
        output: program.stdout,
        directory: state.run,
        terminal: userTerminal(program),
      })
      : undefined,
    artifactsToSource: flags.bool("artifacts-to-source"),
    executors: await program.executors({ local: true, only }),
    shells: await program.shells(),
    events,
    logger,
    signal,
  }, (summary) => view.finish(summary));
}
