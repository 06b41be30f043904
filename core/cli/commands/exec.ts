/** `exec`: the pipeline of a CI file, on this machine. */

import { resolve } from "node:path";
import { engineHost } from "../../local/container_engine.ts";
import { EventStream } from "../../local/event_stream.ts";
import { loadLastRun } from "../../local/last_run.ts";
import { planLocal } from "../../local/local_plan.ts";
import { runLocal } from "../../local/run_local.ts";
import { loadSettings } from "../../local/settings.ts";
import { findWorkTree } from "../../local/snapshot/work_tree.ts";
import { openLocalState } from "../../local/state.ts";
import type { Paint } from "../../local/views/paint.ts";
import type { ExecView } from "../../local/views/view.ts";
import type { PipelineJob } from "../../pipeline/pipeline.ts";
import { whyNothing } from "../../pipeline/select.ts";
import type { Command, CommandContext } from "../command.ts";
import { isListing, look } from "../exec_look.ts";
import { execFlags } from "../exec_flags.ts";
import {
  concurrency,
  entrySettings,
  eventFlags,
  execOperands,
  pipelineInputs,
  pipelineVariables,
  selectionRequest,
  timeoutSeconds,
} from "../exec_request.ts";
import { errorEvent, execPaint, execView, tellRefusal } from "../exec_view.ts";
import type { FlagValues } from "../flag.ts";
import { interruptSignal } from "../interrupt.ts";
import { USAGE } from "../usage.ts";

/** With the flags that `args` may have. */
export function execCommand(args: readonly string[]): Command {
  return { ...EXEC, flags: execFlags(args) };
}

const EXEC: Omit<Command, "flags"> = {
  description:
    "Reads .gitlab-ci.yml as GitLab does and runs its jobs with the engine that runs server jobs: " +
    "those with an image in containers, all others with the shell of this machine, in a directory " +
    "of their own. Uncommitted and untracked files take part; nothing in the working tree is " +
    "changed. Exit code: 0, 1 when a job failed that was not allowed to, 2 for a wrong invocation " +
    "or CI file, 130 when interrupted.",
  quiet: true,
  usageCode: USAGE,
  moreOperands: "job",
  examples: [
    ["exec", "The whole pipeline of the current branch"],
    ["exec test lint --needs", "These jobs, and what they need"],
    ["exec docker test", "The old form: executor and job"],
    ["exec --list", "Which jobs there are, and why some are left out"],
  ],
  async run(flags, context, operands) {
    const { program, log } = context;
    // What the engine says of each job, the view says better.
    log.configure({ level: "error" });
    using interrupt = interruptSignal(program);
    const { signal } = interrupt;
    const paint = execPaint(flags, program);
    using view = execView(flags, program, paint);
    const events = new EventStream((event) => view.event(event));
    try {
      return await exec(flags, operands, { ...context, view, paint, events, signal });
    } catch (error) {
      if (signal.aborted) return INTERRUPTED;
      return tellRefusal(error, { json: flags.bool("json"), events, program });
    }
  },
};

interface ExecContext extends CommandContext {
  readonly view: ExecView;
  readonly paint: Paint;
  readonly events: EventStream;
  readonly signal: AbortSignal;
}

/** As shells tell it: 128 and the number of SIGINT. */
const INTERRUPTED = 130;

async function exec(
  flags: FlagValues,
  operands: readonly string[],
  { program, logger, view, paint, events, signal }: ExecContext,
): Promise<number> {
  const { env, home } = program;
  const cwd = resolve(program.cwd, flags.text("cwd") ?? "");
  const tree = findWorkTree(cwd);
  const settings = await loadSettings({ root: tree.root, home, env });
  const stateDir = flags.text("state-dir");
  using state = openLocalState({
    root: tree.root,
    directory: stateDir === undefined ? undefined : resolve(program.cwd, stateDir),
    home,
    env,
  });
  const { executor, jobs } = execOperands(operands);
  const lastRun = flags.bool("rerun-failed") ? loadLastRun(state.shared) : undefined;
  await using plan = await planLocal({
    tree,
    env,
    directory: state.sources,
    includes: {
      token: settings.gitlabToken,
      cacheDirectory: state.includes,
      refresh: flags.bool("fetch-includes"),
      logger,
    },
    file: flags.text("file") ?? ".gitlab-ci.yml",
    committed: flags.bool("committed"),
    event: eventFlags(flags),
    selection: selectionRequest(flags, jobs, lastRun?.failed),
    inputs: pipelineInputs(flags),
    settings: settings.variables,
    variables: pipelineVariables(flags, cwd),
    signal,
  });
  const forced = flags.text("executor") ?? executor ?? settings.executor;
  const executorFor = (job: PipelineJob) =>
    forced ?? (job.image === undefined ? "shell" : "docker");
  const onlyShell = plan.selection.run.every((job) =>
    job.config.trigger === undefined && executorFor(job) === "shell"
  );
  const limit = timeoutSeconds(flags);
  const why = plan.pipeline.refusal ??
    (plan.selection.run.length === 0 ? whyNothing(plan.selection) : undefined);
  if (why !== undefined && !isListing(flags)) {
    const problem = { message: why, place: undefined };
    if (flags.bool("json")) events.emit(errorEvent("nothing_to_run", problem));
    else program.stderr.write(`${program.calledAs}: ${why}\n`);
    return USAGE;
  }
  if (await look(flags, program, { plan, executorFor, paint, timeoutSeconds: limit })) return 0;
  return await runLocal({
    plan,
    state,
    env,
    concurrency: concurrency(flags, settings.concurrency),
    executorFor,
    settings: entrySettings(flags, settings.runner, engineHost(env, home)),
    timeoutSeconds: limit,
    lastRun,
    artifactsToSource: flags.bool("artifacts-to-source"),
    executors: await program.executors(onlyShell ? { only: "shell" } : {}),
    shells: await program.shells(),
    events,
    logger,
    signal,
  }, (summary) => view.finish(summary));
}
