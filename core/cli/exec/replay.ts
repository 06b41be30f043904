/** `exec --job-url`: a job that ran on a server, run again on this machine. */

import { join, resolve } from "node:path";
import { ConfigurationError } from "../../errors.ts";
import { engineHost } from "../../local/container_engine.ts";
import { tokenFor } from "../../local/gitlab/access_token.ts";
import type { LastRun } from "../../local/last_run.ts";
import { jobAddresses } from "../../local/replay/job_address.ts";
import { openReplay, type Replay } from "../../local/replay/open_replay.ts";
import { replayArtifacts } from "../../local/replay/replay_artifacts.ts";
import { replaySources, type ReplaySourcesOptions } from "../../local/replay/replay_sources.ts";
import { findJob, type FoundJob, serverFacts } from "../../local/replay/server_facts.ts";
import { ancestorsOf } from "../../local/replay/server_lineage.ts";
import { serverVariables } from "../../local/replay/server_variables.ts";
import { loadSettings } from "../../local/settings.ts";
import { Git } from "../../local/snapshot/git.ts";
import { repositoryFacts } from "../../local/snapshot/repository_facts.ts";
import { findWorkTree, type WorkTree } from "../../local/snapshot/work_tree.ts";
import { DEFAULT_DEPTH } from "../../local/sources.ts";
import { type LocalState, openLocalState } from "../../local/state.ts";
import { projectOf } from "../../local/variables/pipeline_facts.ts";
import { isLooking } from "./look.ts";
import { caFile, entrySettings, pipelineInputs, pipelineVariables } from "./request.ts";
import { type ExecContext, runPlan } from "./run.ts";
import type { FlagValues } from "../flag.ts";

/** What says which job of which pipeline; the address says it already. */
const OTHER_WAYS = [
  "stage",
  "needs",
  "only-needs",
  "manual",
  "rerun-failed",
  "watch",
  "committed",
  "branch",
  "tag",
  "mr",
  "mr-target",
  "artifacts-to-source",
];

/** Resolves with the exit code. Throws ConfigurationError when the job is not to be had. */
export async function replayJob(exec: ExecContext): Promise<number> {
  const { flags, program, logger, signal } = exec;
  const { env, home } = program;
  refuseOtherWays(flags, exec.operands);
  const addresses = jobAddresses(flags.text("job-url") ?? "");
  const cwd = resolve(program.cwd, flags.text("cwd") ?? "");
  const local = workTreeOf(cwd);
  const settings = await loadSettings({ root: local?.root ?? cwd, home, env });
  const entry = entrySettings(flags, settings.runner, engineHost(program));
  const tokens = { ...settings.tokens, given: exec.token };
  const ownServer = tokens.own === undefined ? undefined : await serverOf(local, exec);
  const trust = caFile(entry);
  using found = await findJob(addresses, {
    caFile: trust,
    env,
    logger,
    tokenFor: (server) => tokenFor(server, tokens, ownServer),
  }, signal);
  const { api, address, job } = found;
  const server = await serverFacts(found, signal);
  const project = `${address.serverUrl}/${server.project.path_with_namespace}`;
  const stateDir = flags.text("state-dir");
  using state = openLocalState({
    root: project,
    directory: stateDir === undefined ? undefined : resolve(program.cwd, stateDir),
    home,
    env,
  });
  const token = tokenFor(address.serverUrl, tokens, ownServer);
  const before = server.pipeline.before_sha ?? "";
  const wanted = {
    sha: server.pipeline.sha,
    beforeSha: /^0*$/.test(before) ? undefined : before,
    local,
    url: `${project}.git`,
    token,
    caFile: trust,
    depth: server.project.ci_default_git_depth ?? DEFAULT_DEPTH,
    directory: state.sources,
    env,
    signal,
  };
  const ancestors = flags.has("file") ? [] : await ancestorsOf(found, server.pipeline, signal);
  const variablesOf = (pipelineId: number) =>
    serverVariables(api, { project: server.project, pipelineId }, signal);
  const [variables, rootVariables, sources] = await Promise.all([
    variablesOf(job.pipeline.id),
    variablesOf(ancestors[0]?.pipeline.id ?? job.pipeline.id),
    replaySources(wanted),
  ]);
  await using replay = await openReplay({
    found,
    server,
    variables,
    ancestors,
    rootVariables,
    directory: state.run,
    sources,
    file: flags.has("file") ? flags.text("file") : undefined,
    own: { settings: settings.variables, pipeline: pipelineVariables(flags, cwd) },
    env,
    includes: { cacheDirectory: state.includes, refresh: true, caFile: trust, logger },
    // The one that opened the job, and no other.
    tokens: { given: token, own: undefined, byHost: {} },
    inputs: pipelineInputs(flags),
    credentials: settings.credentials,
    signal,
  });
  const left = isLooking(flags)
    ? { lastRun: undefined, missing: [] }
    : await fetchWhatItNeeds(replay, { found, wanted, state, signal });
  const plan = tellingMissing(replay, left.missing);
  return await runPlan(exec, { plan, state, settings, entry, lastRun: left.lastRun });
}

function refuseOtherWays(flags: FlagValues, operands: readonly string[]): void {
  const other = OTHER_WAYS.find((name) => flags.has(name));
  if (other !== undefined) {
    throw new ConfigurationError(`--job-url and --${other} exclude each other`);
  }
  if (operands.length > 0) {
    throw new ConfigurationError(
      `--job-url names the job: "${operands.join(" ")}" is one too many`,
    );
  }
}

/** A job of a server can be run anywhere. */
function workTreeOf(cwd: string): WorkTree | undefined {
  try {
    return findWorkTree(cwd);
  } catch (error) {
    if (error instanceof ConfigurationError) return undefined;
    throw error;
  }
}

/** The GitLab of the repository at hand. */
async function serverOf(
  tree: WorkTree | undefined,
  { program: { env }, signal }: ExecContext,
): Promise<string | undefined> {
  if (tree === undefined) return undefined;
  const facts = await repositoryFacts(new Git({ tree, env, signal }), tree);
  return projectOf({ facts, tree }).serverUrl;
}

/** Sources as deep as the job wants them, and the artifacts of the jobs that it needs. */
async function fetchWhatItNeeds(
  { plan, job }: Replay,
  { found, wanted, state, signal }: {
    readonly found: FoundJob;
    readonly wanted: ReplaySourcesOptions;
    readonly state: LocalState;
    readonly signal: AbortSignal;
  },
): Promise<{ readonly lastRun: LastRun; readonly missing: readonly string[] }> {
  const depth = Number(job.variables.findLast(({ key }) => key === "GIT_DEPTH")?.value);
  if (Number.isInteger(depth) && depth >= 0 && depth !== wanted.depth) {
    await replaySources({ ...wanted, depth });
  }
  const { past, missing } = await replayArtifacts({
    api: found.api,
    project: plan.project.path,
    pipelineId: found.job.pipeline.id,
    jobs: job.artifactsFrom,
    directory: join(state.run, "fetched"),
    signal,
  });
  return { lastRun: { open: [], past: [...past] }, missing };
}

function tellingMissing({ plan, missing }: Replay, more: readonly string[]): Replay["plan"] {
  const warnings = [...missing, ...more].map((what) => ({
    message: `not to be had from the server: ${what}`,
    place: undefined,
    keyword: undefined,
    job: undefined,
  }));
  const { selection } = plan;
  return {
    ...plan,
    selection: { ...selection, warnings: [...selection.warnings, ...warnings] },
  };
}
