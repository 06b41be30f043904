/**
 * The durable directory of one job: what to reap after a crash, the trace, and the result until the
 * coordinator has it.
 */

import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { codeOf, messageOf, SystemFailure } from "../errors.ts";
import type { ExecutorNote } from "../executor.ts";
import type { FinalState } from "../job/result.ts";
import { syncFile, syncFolder } from "../util/durable.ts";
import { parseJson } from "../util/json.ts";
import { Secret } from "../util/secret.ts";
import { Spool, type SpoolEvents } from "./spool.ts";

/** Made when one is read: jobs that end well only write theirs. */
const RecordFile = z.lazy(() =>
  z.object({
    version: z.literal(1),
    coordinator_url: z.string(),
    job_id: z.number().int(),
    job_token: z.string().min(1),
    /** Short token of the runner entry. */
    runner: z.string(),
    runner_name: z.string(),
    system_id: z.string(),
    tls: z.object({
      ca_file: z.string().optional(),
      certificate_file: z.string().optional(),
      key_file: z.string().optional(),
    }),
    accepted_failure_reasons: z.array(z.string()),
    debug_trace: z.boolean(),
    timestamps: z.boolean(),
    started_at: z.string(),
    manager_pid: z.number().int(),
    accepted: z.boolean(),
    executor: z.string(),
    executor_note: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
    final: z.object({
      state: z.enum(["success", "failed"]),
      failure_reason: z.string().optional(),
      exit_code: z.number().optional(),
      decided_at: z.string(),
    }).optional(),
  })
);
type RecordFile = z.infer<typeof RecordFile>;

/** What is known about a job when it is accepted: enough to answer for it without its config. */
export interface JobFacts {
  readonly coordinatorUrl: string;
  readonly jobId: number;
  readonly jobToken: Secret;
  /** Short token of the runner entry. */
  readonly runner: string;
  readonly runnerName: string;
  readonly systemId: string;
  /** Paths of PEM files, as configured. */
  readonly tls: {
    readonly caFile?: string | undefined;
    readonly certificateFile?: string | undefined;
    readonly keyFile?: string | undefined;
  };
  readonly acceptedFailureReasons: readonly string[];
  readonly debugTrace: boolean;
  readonly timestamps: boolean;
  readonly executor: string;
}

/** A directory that is not a readable record. */
export interface DamagedRecord {
  readonly path: string;
  readonly reason: string;
}

/** `<state directory>/jobs/<job id>-<random>/`, 0700, with `job.json` and `trace.log`, both 0600. */
export class JobRecord {
  readonly path: string;
  #content: RecordFile;

  /** Creates the directory of a job that has come. Throws SystemFailure. */
  static create(stateDir: string, facts: JobFacts): JobRecord {
    const name = `${facts.jobId}-${crypto.randomUUID().slice(0, 8)}`;
    const path = join(stateDir, JOBS, name);
    try {
      mkdirSync(join(stateDir, JOBS), { recursive: true, mode: 0o700 });
      mkdirSync(path, { mode: 0o700 });
      const record = new JobRecord(path, contentOf(facts));
      record.#save();
      return record;
    } catch (thrown) {
      throw new SystemFailure(`Cannot create the job's record "${path}": ${messageOf(thrown)}`, {
        cause: thrown,
      });
    }
  }

  /** All records below `stateDir`, the oldest job first. */
  static list(stateDir: string): { records: JobRecord[]; damaged: DamagedRecord[] } {
    const records: JobRecord[] = [];
    const damaged: DamagedRecord[] = [];
    for (const name of namesIn(join(stateDir, JOBS))) {
      const path = join(stateDir, JOBS, name);
      try {
        records.push(new JobRecord(path, parse(readFileSync(join(path, FILE), "utf8"))));
      } catch (thrown) {
        damaged.push({ path, reason: messageOf(thrown) });
      }
    }
    records.sort((a, b) => a.startedAt.getTime() - b.startedAt.getTime());
    return { records, damaged };
  }

  private constructor(path: string, content: RecordFile) {
    this.path = path;
    this.#content = content;
  }

  get facts(): JobFacts {
    const content = this.#content;
    return {
      coordinatorUrl: content.coordinator_url,
      jobId: content.job_id,
      jobToken: new Secret(content.job_token),
      runner: content.runner,
      runnerName: content.runner_name,
      systemId: content.system_id,
      tls: {
        caFile: content.tls.ca_file,
        certificateFile: content.tls.certificate_file,
        keyFile: content.tls.key_file,
      },
      acceptedFailureReasons: content.accepted_failure_reasons,
      debugTrace: content.debug_trace,
      timestamps: content.timestamps,
      executor: content.executor,
    };
  }

  get startedAt(): Date {
    return new Date(this.#content.started_at);
  }

  /** The coordinator has confirmed that the job is ours. Until then nobody may speak for it. */
  get isAccepted(): boolean {
    return this.#content.accepted;
  }

  /** The process that ran, or runs, the job. */
  get managerPid(): number {
    return this.#content.manager_pid;
  }

  get executorNote(): ExecutorNote | undefined {
    return this.#content.executor_note;
  }

  /** How the job ended; undefined while it runs, or when its manager died. */
  get finalState(): FinalState | undefined {
    const final = this.#content.final;
    if (final === undefined) return undefined;
    return {
      state: final.state,
      ...(final.failure_reason === undefined ? {} : { failureReason: final.failure_reason }),
      ...(final.exit_code === undefined ? {} : { exitCode: final.exit_code }),
    };
  }

  get decidedAt(): Date | undefined {
    const final = this.#content.final;
    return final === undefined ? undefined : new Date(final.decided_at);
  }

  /** Remembers that the coordinator has confirmed the job. Throws SystemFailure. */
  accept(): void {
    this.#change({ ...this.#content, accepted: true });
  }

  /** Remembers what the executor is about to make. On disk when it returns. Throws SystemFailure. */
  note(note: ExecutorNote): void {
    this.#change({ ...this.#content, executor_note: { ...note } });
  }

  /** Remembers the result: from now on it is delivered, whatever happens. Throws SystemFailure. */
  decide(state: FinalState): void {
    this.#change({
      ...this.#content,
      final: {
        state: state.state,
        failure_reason: state.failureReason,
        exit_code: state.exitCode,
        decided_at: new Date().toISOString(),
      },
    });
  }

  /** Settles when all that is known of the job would survive a loss of power. Throws SystemFailure. */
  async sync(): Promise<void> {
    try {
      await syncFile(join(this.path, TRACE)).catch((thrown) => {
        if (codeOf(thrown) !== "ENOENT") throw thrown;
      });
      await syncFile(join(this.path, FILE));
      for (const folder of [this.path, dirname(this.path)]) await syncFolder(folder);
    } catch (thrown) {
      throw new SystemFailure(
        `Cannot make the job's record "${this.path}" durable: ${messageOf(thrown)}`,
        { cause: thrown },
      );
    }
  }

  /** Starts the job's trace. */
  createSpool(events: SpoolEvents): Spool {
    return Spool.create(join(this.path, TRACE), events);
  }

  /** Opens what an earlier process wrote of the trace; an empty one when it came to nothing. */
  openSpool(): Spool {
    try {
      return Spool.open(join(this.path, TRACE));
    } catch (thrown) {
      if (codeOf(thrown) !== "ENOENT") throw thrown;
      return Spool.create(join(this.path, TRACE));
    }
  }

  /** Forgets the job. */
  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  #change(content: RecordFile): void {
    this.#content = content;
    try {
      this.#save();
    } catch (thrown) {
      throw new SystemFailure(
        `Cannot write the job's record "${this.path}": ${messageOf(thrown)}`,
        {
          cause: thrown,
        },
      );
    }
  }

  #save(): void {
    const draft = join(this.path, DRAFT);
    writeFileSync(draft, JSON.stringify(this.#content), { mode: 0o600 });
    renameSync(draft, join(this.path, FILE));
  }
}

const JOBS = "jobs";
const FILE = "job.json";
const DRAFT = "job.json.new";
const TRACE = "trace.log";

function contentOf(facts: JobFacts): RecordFile {
  return {
    version: 1,
    coordinator_url: facts.coordinatorUrl,
    job_id: facts.jobId,
    job_token: facts.jobToken.reveal(),
    runner: facts.runner,
    runner_name: facts.runnerName,
    system_id: facts.systemId,
    tls: {
      ca_file: facts.tls.caFile,
      certificate_file: facts.tls.certificateFile,
      key_file: facts.tls.keyFile,
    },
    accepted_failure_reasons: [...facts.acceptedFailureReasons],
    debug_trace: facts.debugTrace,
    timestamps: facts.timestamps,
    started_at: new Date().toISOString(),
    manager_pid: process.pid,
    accepted: false,
    executor: facts.executor,
  };
}

/** Throws an error that does not quote the content, which holds a token. */
function parse(text: string): RecordFile {
  const value = parseJson(text);
  if (value === undefined) throw new Error(`"${FILE}" is not JSON`);
  const parsed = RecordFile.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new Error(`"${FILE}" is not a job's record: ${issue?.path.join(".")}: ${issue?.message}`);
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (thrown) {
    if (codeOf(thrown) === "ENOENT") return [];
    throw new SystemFailure(`Cannot list the jobs' records in "${directory}"`, { cause: thrown });
  }
}
