/**
 * Contract of an executor: it runs the stages of one job somewhere. The executor answers, it does
 * not ask: directories, shell and host name are what `prepare` returns.
 */

import type { Logger } from "./log/logger.ts";
import type { JobSpec } from "./job/spec.ts";
import type { JobResult } from "./job/result.ts";
import type { RunnerConfig } from "./config/schema.ts";
import type { ShellInvocation } from "./shell.ts";
import type { TerminalSize } from "./util/process_pty.ts";

/** What an executor can do beyond running scripts, as announced in `info.features`. */
export interface ExecutorFeatures {
  readonly variables: boolean;
  readonly image: boolean;
  readonly services: boolean;
  /** The environment is reused by other jobs (`CI_SHARED_ENVIRONMENT`). */
  readonly shared: boolean;
  readonly session: boolean;
  readonly terminal: boolean;
}

export interface ExecutorInfo {
  readonly features: ExecutorFeatures;
  /** The shell of a runner entry that names none. */
  readonly defaultShell: string;
}

/** Who calls: facts about this process that an executor needs. */
export interface ExecutorHost {
  readonly logger: Logger;
  /** Name of this runner manager, as GitLab knows it. */
  readonly systemId: string;
  /** Where this manager keeps state that must survive a crash. Absolute, private (0700). */
  readonly stateDir: string;
}

/**
 * Long-lived factory and capacity for one executor name. Concurrent calls of `acquire` are safe.
 * Disposing it ends whatever it keeps warm.
 */
export interface ExecutorProvider extends AsyncDisposable {
  readonly name: string;
  /**
   * What an entry's jobs may expect. A plugin can tell only once it runs, so the answer is final
   * after the first `acquire`. Throws ConfigurationError when there is no such plugin.
   */
  info(config: RunnerConfig): ExecutorInfo;
  /**
   * Reserves room for one job, before a job is asked for. Undefined: no capacity now.
   * Throws ConfigurationError when this entry can never run a job.
   */
  acquire(
    config: RunnerConfig,
    options: { host: ExecutorHost; signal: AbortSignal },
  ): Promise<Executor | undefined>;
  /** Ends what a crashed manager left behind of the job noted in its journal. Idempotent. */
  reap?(note: ExecutorNote, options: ReapOptions): Promise<void>;
  /** Ends what a crashed manager left behind beside its jobs. Called once, when all are reaped. */
  endOrphans?(host: ExecutorHost): Promise<void>;
  /** The entry is not configured any more: what is kept warm for it ends with its last job. */
  release?(config: RunnerConfig): void;
}

export interface ReapOptions {
  readonly host: ExecutorHost;
  /** The job's runner entry; undefined when it is not configured any more. */
  readonly config?: RunnerConfig | undefined;
  readonly signal: AbortSignal;
}

/**
 * What an executor wants remembered across a crash of this process: small, JSON, no secrets. While a
 * job has secrets in files, `temp_dir` is added to it: their directory in the job's environment.
 */
export type ExecutorNote = Readonly<Record<string, string | number>>;

/** Lines that an executor writes into the job's trace, in GitLab Runner's styles. */
export interface JobLog {
  /** Plain line. */
  print(text: string): void;
  /** Bold green line. */
  notice(text: string): void;
  /** Yellow line behind `WARNING: `. */
  warning(text: string): void;
  /** Bold red line behind `ERROR: `. */
  error(text: string): void;
}

/** Where output comes from. What services print is kept apart: it comes while a script prints. */
export type OutputStream = "stdout" | "stderr" | "services";

/** Takes what a job prints, in the order it was printed. */
export interface OutputSink {
  /**
   * Takes `bytes`, which the caller may reuse once the returned promise has settled (at once when
   * undefined). Awaiting it is the backpressure of a slow disk; it never waits on the network.
   */
  write(bytes: Uint8Array, stream?: OutputStream): Promise<void> | undefined;
}

export interface ExecutorIO {
  readonly log: JobLog;
  readonly output: OutputSink;
  /** Remembers `note` durably before what it describes exists; the next call replaces it. */
  remember(note: ExecutorNote): void;
}

/** What `prepare` found or made. Paths are absolute, in the job's environment. */
export interface PreparedEnvironment {
  readonly os: "linux" | "darwin" | "windows" | "freebsd";
  /** Its processor in Go's words, for `putFile`; undefined: nobody asks. */
  readonly arch?: string | undefined;
  /** Completes `Running on …`; undefined: the script finds its host's name out. */
  readonly hostname: string | undefined;
  /** Named behind a host name that the script finds out: the machine that it is reached through. */
  readonly via?: string | undefined;
  readonly buildsDir: string;
  readonly cacheDir: string;
  /** Checkouts of several jobs live below `buildsDir`: it gets a folder per runner and slot. */
  readonly sharedBuildsDir: boolean;
  /** The slot leased for this job (`CI_CONCURRENT_PROJECT_ID`). */
  readonly projectSlot: number;
  /** Name of the shell in the registry. */
  readonly shell: string;
  /** The shell reads the user's profile first: true on hosts, false in containers. */
  readonly login: boolean;
  /** How a non-zero exit is worded before its number: `exit status`, `exit code`. */
  readonly exitPhrase: string;
  /** A script's way to start this executable; undefined where it is not to be had. */
  readonly helperCommand: readonly string[] | undefined;
  /** Variables that the environment brings along, with the job's own overriding them. */
  readonly variables: Readonly<Record<string, string>>;
}

/** Where a job's sources will lie. */
export interface Checkout {
  /** Absolute, without `.` and `..`. */
  readonly path: string;
  /** The job has named it (`GIT_CLONE_PATH`), so jobs of other slots and managers may come there. */
  readonly custom: boolean;
}

/** One script to run. */
export interface StageCommand {
  /** The build stage, for logs: `get_sources`, `step_script`… */
  readonly stage: string;
  readonly script: string;
  readonly invocation: ShellInvocation;
  /** `helper`: our own work, where git and this executable are. `build`: the user's, in the image. */
  readonly target: "helper" | "build";
}

/** A program on a terminal of its own in the job's environment, for one person to use. */
export interface Terminal {
  /**
   * Types `bytes`, which the caller may reuse once the returned promise has settled (at once when
   * undefined). Awaiting it is the backpressure of a program that does not read.
   */
  write(bytes: Uint8Array): Promise<void> | undefined;
  resize(size: TerminalSize): void;
  /**
   * Settles like `run`, once everything that the program has shown was taken. Never left unhandled.
   */
  readonly ended: Promise<ExitStatus>;
}

export interface TerminalOptions {
  /** Takes what the program shows. */
  readonly output: OutputSink;
  readonly size: TerminalSize;
  /** Aborting it hangs up: the program is told as by a line that breaks, and soon ended. */
  readonly signal: AbortSignal;
}

/** A file of this host that a job's environment is to have. */
export interface HostFile {
  /** What it is called on this host. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Of its content, in hexadecimal digits: what was put once need not be put again. */
  readonly sha256: string;
  /** Less than `length` bytes, of at most 1 MiB, only at its end. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** What stays of a job where it ran, and the commands with which people get at it. */
export interface KeptEnvironment {
  /** The container's name. */
  readonly container: string;
  readonly enter: string;
  readonly remove: string;
}

/** What a stage used, where the executor can tell. */
export interface StageUsage {
  readonly cpuMs: number;
  /** The largest process of the stage; `below`: all that is known is this bound. */
  readonly peakMemory: { readonly kind: "exact" | "below"; readonly bytes: number };
}

/** How a stage ended. A non-zero exit is a value, not an error. */
export type ExitStatus =
  | { readonly kind: "exited"; readonly code: number; readonly usage?: StageUsage }
  | { readonly kind: "signalled"; readonly signal: string; readonly usage?: StageUsage }
  | { readonly kind: "oom-killed"; readonly usage?: StageUsage };

/**
 * One job's environment. Order: `prepare` once, `run` any number of times but never two at a time,
 * `finish` once, then dispose. Dispose alone is safe at any point, also twice, and is bounded in
 * time by the executor itself.
 */
export interface Executor extends AsyncDisposable {
  /** What it is doing, for metrics (`executor_stage`), where GitLab Runner's has words for that. */
  readonly activity?: string;
  /** Throws SystemFailure or JobConfigurationError; the latter is not tried again. */
  prepare(
    spec: JobSpec,
    io: ExecutorIO,
    options: { signal: AbortSignal },
  ): Promise<PreparedEnvironment>;
  /**
   * Has the directory of the job's checkout for this job alone until dispose, waiting for a job that
   * has it, or what lies in it or around it. Called once, after `prepare`, with what `prepare` says
   * of directories already applied. For executors whose jobs share a file system.
   */
  leaseCheckout?(
    checkout: Checkout,
    io: ExecutorIO,
    options: { signal: AbortSignal },
  ): Promise<void>;
  /**
   * Runs one script to its end, with every process it started. Resolves with how it ended; throws
   * only for an infrastructure fault. When `signal` aborts, it first asks the processes to end,
   * then kills them, and rejects with the signal's reason once none is left.
   */
  run(
    command: StageCommand,
    io: ExecutorIO,
    options: { signal: AbortSignal },
  ): Promise<ExitStatus>;
  /**
   * Removes a directory of the job's environment with all its content; absent is fine, and a link is
   * not followed. For executors to which this costs less than a script; called like `run`. When it
   * throws, a script may still succeed.
   */
  removeDirectory?(path: string, options: { signal: AbortSignal }): Promise<void>;
  /**
   * Runs `command` as `run` does, but on a terminal of its own: that is its controlling terminal
   * and takes its output, while the script comes as ever and exports `TERM` itself. Between
   * `prepare` and dispose, also while a stage runs; one at a time. For executors whose features say
   * `terminal`.
   */
  openTerminal?(command: StageCommand, options: TerminalOptions): Promise<Terminal>;
  /**
   * Has the file where the job's scripts can start it, whole, when it resolves with its path there.
   * What it has already is not read again. Called like `run`, for environments with an `arch`.
   */
  putFile?(file: HostFile, options: { signal: AbortSignal }): Promise<string>;
  /** From now on dispose leaves what the job ran in. Undefined: there is nothing to be left. */
  keep?(): KeptEnvironment | undefined;
  /** The user's part is over and this is how it ended. */
  finish(result: JobResult): Promise<void>;
}
