/** What a check needs of an executor: jobs that are prepared, and scripts that run in them. */

import type { RunnerConfig } from "../../config/schema.ts";
import type {
  Executor,
  ExecutorHost,
  ExecutorIO,
  ExecutorNote,
  ExecutorProvider,
  ExitStatus,
  PreparedEnvironment,
  StageCommand,
} from "../../executor.ts";
import { JobResponse } from "../../job/response.ts";
import { type JobSpec, jobSpec } from "../../job/spec.ts";
import type { Shell } from "../../shell.ts";
import { delay } from "../../util/abort.ts";
import { CheckFailure } from "./expect.ts";

/** Checks are made of these. */
export interface CheckBench {
  readonly provider: ExecutorProvider;
  readonly config: RunnerConfig;
  readonly host: ExecutorHost;
  readonly shell: Shell;
}

/** A job's executor with its first word: where scripts run. */
export interface CheckJob extends AsyncDisposable {
  readonly executor: Executor;
  readonly environment: PreparedEnvironment;
  /** `code` as a user's only command. */
  command(code: string): StageCommand;
  /** Runs it. */
  run(code: string, io?: ExecutorIO, options?: { signal: AbortSignal }): Promise<ExitStatus>;
}

export const NEVER = new AbortController().signal;

export async function acquire({ provider, config, host }: CheckBench): Promise<Executor> {
  const executor = await provider.acquire(config, { host, signal: NEVER });
  if (executor === undefined) throw new CheckFailure("it has no capacity for a job");
  return executor;
}

export async function openJob(
  bench: CheckBench,
  options: { project?: number; io?: ExecutorIO } = {},
): Promise<CheckJob> {
  const executor = await acquire(bench);
  const environment = await prepared(executor, checkSpec(options), options.io ?? checkIO());
  const command = (code: string) => commandOf(code, bench.shell, environment);
  return {
    executor,
    environment,
    command,
    run: (code, io = checkIO(), { signal } = { signal: NEVER }) =>
      executor.run(command(code), io, { signal }),
    [Symbol.asyncDispose]: () => executor[Symbol.asyncDispose](),
  };
}

async function prepared(executor: Executor, spec: JobSpec, io: ExecutorIO) {
  try {
    return await executor.prepare(spec, io, { signal: NEVER });
  } catch (error) {
    await executor[Symbol.asyncDispose]();
    throw error;
  }
}

function commandOf(
  code: string,
  shell: Shell,
  { os, login }: PreparedEnvironment,
): StageCommand {
  return {
    stage: "step_script",
    script: shell.render([{ kind: "user-command", code }], {
      debugTrace: false,
      checkExitCodes: false,
    }),
    invocation: shell.invocation({ os, login }),
    target: "build",
  };
}

/** The least that a job is. */
export function checkSpec(values: { project?: number; slot?: number } = {}): JobSpec {
  const response = JobResponse.parse({
    id: 1,
    token: "job-token",
    job_info: { name: "check", stage: "test", project_id: values.project ?? 1 },
  });
  return jobSpec(response, { slot: { runner: 0, project: values.slot ?? 0 }, tls: {} });
}

/** Keeps what an executor says and a script prints. */
export interface CheckIO extends ExecutorIO {
  readonly lines: string[];
  readonly notes: ExecutorNote[];
  text(): string;
}

export function checkIO(write?: (bytes: Uint8Array) => Promise<void> | undefined): CheckIO {
  const lines: string[] = [];
  const notes: ExecutorNote[] = [];
  const chunks: Uint8Array[] = [];
  const say = (text: string) => void lines.push(text);
  return {
    lines,
    notes,
    log: { print: say, notice: say, warning: say, error: say },
    output: { write: write ?? ((bytes) => void chunks.push(new Uint8Array(bytes))) },
    remember: (note) => void notes.push(note),
    text: () => Buffer.concat(chunks).toString(),
  };
}

/** Waits until `what` holds, for `limitMs` at most. */
export async function until(
  what: () => boolean | Promise<boolean>,
  wanted: string,
  limitMs = 5000,
): Promise<void> {
  for (const end = performance.now() + limitMs; !await what();) {
    if (performance.now() > end) {
      throw new CheckFailure(`waited ${limitMs / 1000} s in vain until ${wanted}`);
    }
    await delay(5);
  }
}

/** An argument for `sleep` that no other process has. */
export function uniqueNap(): string {
  return `9${String(Math.floor(Math.random() * 1e9)).padStart(9, "0")}`;
}

/**
 * Which of these arguments some process in the job's environment has, asked by a script in it. The
 * words are put together there, so that the script itself has none of them.
 */
export async function running(job: CheckJob, args: readonly string[]): Promise<readonly string[]> {
  const io = checkIO();
  const asked = args.map((arg) => `'${arg.slice(0, 1)}''${arg.slice(1)}'`).join(" ");
  await job.run(
    `if [ -r /proc/self/cmdline ]; then
  all=$(cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n')
else
  all=$(ps -A -o args= | tr ' ' '\\n')
fi
for arg in ${asked}; do
  case "
$all
" in *"
$arg
"*) echo "$arg" ;; esac
done`,
    io,
  );
  return io.text().split("\n").filter((line) => line !== "");
}
