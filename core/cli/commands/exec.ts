/** `exec`: the pipeline of a CI file, on this machine. */

import { resolve } from "node:path";
import { takeToken } from "../../local/gitlab/access_token.ts";
import { engineHost } from "../../local/container_engine.ts";
import { loadSettings, type LocalSettings } from "../../local/settings.ts";
import { findWorkTree, type WorkTree } from "../../local/snapshot/work_tree.ts";
import { openSources } from "../../local/sources.ts";
import { type LocalState, openLocalState } from "../../local/state.ts";
import type { Command } from "../command.ts";
import { execFlags } from "../exec/flags.ts";
import type { ExecContext } from "../exec/run.ts";
import { assertTerminal, execPaint, tellError, tellRefusal } from "../exec/view.ts";
import { interruptSignal } from "../interrupt.ts";
import type { Program } from "../program.ts";
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
    "changed. Exit code: 0, also when manual jobs that were not asked for block what comes after " +
    "them, 1 when a job failed that was not allowed to, 2 for a wrong invocation or CI file, 130 " +
    "when interrupted.",
  quiet: true,
  usageCode: USAGE,
  moreOperands: "job",
  tellMistake: (message, args, program) =>
    tellError("invalid_invocation", { message, place: undefined }, {
      json: args.includes("--json=true"),
      program,
    }),
  examples: [
    ["exec", "The whole pipeline of the current branch"],
    ["exec test lint --needs", "These jobs, and what they need"],
    ["exec docker test", "The old form: executor and job"],
    ["exec --watch lint", "Again at each change of the files"],
    ["exec --list", "Which jobs there are, and why some are left out"],
  ],
  async run(flags, context, operands) {
    const { log } = context;
    const { token, env } = takeToken(context.program.env);
    // Not a copy: that would open standard input, which few runs need.
    const program: Program = Object.create(context.program, { env: { value: env } });
    // What the engine says of each job, the view says better.
    log.configure({ level: "error" });
    using interrupt = interruptSignal(program);
    const { signal } = interrupt;
    const paint = execPaint(flags, program);
    const exec: ExecContext = {
      ...context,
      program,
      token,
      flags,
      operands,
      paint,
      onInterrupt: interrupt.request,
      signal,
    };
    try {
      return await Promise.race([open(exec), interrupt.again.then(() => leave(program))]);
    } catch (error) {
      if (signal.aborted) return INTERRUPTED;
      return tellRefusal(error, { json: flags.bool("json"), program });
    }
  },
};

/** What all runs of one process have in common: `--watch` makes many. */
interface ExecPlace {
  readonly cwd: string;
  readonly tree: WorkTree;
  readonly settings: LocalSettings;
  readonly state: LocalState;
}

/** Without a word nobody would know why a container still runs. */
function leave({ calledAs, stderr }: Program): number {
  stderr.write(
    `${calledAs}: interrupted twice: the next run here removes what is left of the jobs\n`,
  );
  return INTERRUPTED;
}

/** As shells tell it: 128 and the number of SIGINT. */
const INTERRUPTED = 130;

async function open(exec: ExecContext): Promise<number> {
  const { flags, program } = exec;
  const { env, home } = program;
  if (flags.bool("shell-on-failure")) assertTerminal(flags, program);
  if (flags.has("job-url")) {
    const { replayJob } = await import("../exec/replay.ts");
    return await replayJob(exec);
  }
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
  const place = { cwd, tree, settings, state };
  if (flags.bool("watch")) return await runAtChanges(exec, place);
  return (await runOnce(exec, place)).code;
}

/** Until interrupted. What is wrong with a file is told, and waited for to be put right. */
async function runAtChanges(exec: ExecContext, place: ExecPlace): Promise<number> {
  const { flags, program, paint, signal } = exec;
  const { TreeWatch } = await import("../../local/tree_watch.ts");
  using watch = new TreeWatch(place.tree.root, { leftOut: place.state.places });
  for (let before: string | undefined;;) {
    try {
      before = (await runOnce(exec, place, before)).sha;
    } catch (error) {
      signal.throwIfAborted();
      tellRefusal(error, { json: flags.bool("json"), program });
      before = undefined;
    }
    program.stderr.write(paint("dim", "Waiting for a change of the files...\n"));
    await watch.change(signal);
  }
}

/** `before` is the snapshot of the last run: when nothing differs from it, nothing is run. */
async function runOnce(
  exec: ExecContext,
  { cwd, tree, settings, state }: ExecPlace,
  before?: string,
): Promise<{ readonly code: number; readonly sha: string }> {
  const { flags, program, token, logger, signal } = exec;
  const { env } = program;
  const committed = flags.bool("committed");
  const sources = openSources({
    tree,
    env,
    directory: state.sources,
    committed,
    leftOut: state.places,
    signal,
  });
  // Whatever goes wrong with it is told where it is awaited.
  sources.catch(() => {});
  const request = await import("../exec/request.ts");
  const { planLocal } = await import("../../local/local_plan.ts");
  const { runPlan } = await import("../exec/run.ts");
  const { jobs } = request.execOperands(exec.operands);
  const lastRun = flags.bool("rerun-failed") ? await lastRunOf(state) : undefined;
  const entry = request.entrySettings(flags, settings.runner, engineHost(program));
  await using plan = await planLocal({
    env,
    sources,
    includes: {
      cacheDirectory: state.includes,
      refresh: flags.bool("fetch-includes"),
      caFile: request.caFile(entry),
      logger,
    },
    tokens: { ...settings.tokens, given: token },
    file: flags.text("file") ?? ".gitlab-ci.yml",
    committed,
    event: request.eventFlags(flags),
    selection: request.selectionRequest(flags, jobs, lastRun?.open),
    inputs: request.pipelineInputs(flags),
    settings: settings.variables,
    credentials: settings.credentials,
    variables: request.pipelineVariables(flags, cwd),
    signal,
  });
  const { sha } = plan.sources;
  if (sha === before) return { code: 0, sha };
  const code = await runPlan(exec, { plan, state, settings, entry, lastRun });
  return { code, sha };
}

async function lastRunOf({ shared }: LocalState) {
  const { loadLastRun } = await import("../../local/last_run.ts");
  return loadLastRun(shared);
}
