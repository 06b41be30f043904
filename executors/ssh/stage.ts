/** Runs one script on the target, to the end of every process it has started. */

import { messageOf, SystemFailure } from "../../core/errors.ts";
import type { ExitStatus, OutputSink, StageCommand } from "../../core/executor.ts";
import type { SshConnection, SshProcess } from "../../core/ssh/mod.ts";
import { exitPattern, superviseCommand, TERMINATE } from "./supervisor.ts";

export interface StageOptions {
  readonly command: StageCommand;
  /** Of this stage alone: what ends one may still be at work when the next begins. */
  readonly mark: string;
  readonly output: OutputSink;
  /** How long processes may take to end after SIGTERM, for the reason of an abort. Milliseconds. */
  readonly graceMs: (reason: unknown) => number;
}

/** Killed processes are gone at once, and what they wrote has to come through. */
const KILLED_MS = 5000;

/** What was printed before the script's end is on its way; silence means that somebody holds on. */
const DRAIN_MS = 2000;

/** Enough of the server's complaints to understand them. Characters. */
const MOST_COMPLAINT = 4096;

/**
 * Rejects with the signal's reason after an abort, and with SystemFailure when the connection broke
 * or the log takes no more. `onLost` is called when the processes may have been left behind.
 */
export async function runStage(
  connection: SshConnection,
  options: StageOptions,
  control: { signal: AbortSignal; onLost: () => void },
): Promise<ExitStatus> {
  const stage = new Stage(options, control.signal);
  try {
    return await stage.run(connection);
  } finally {
    if (!stage.hasEnded) control.onLost();
  }
}

class Stage {
  readonly #options: StageOptions;
  readonly #signal: AbortSignal;
  #process: SshProcess | undefined;
  #complaint = "";
  #exitCode: number | undefined;
  #logFault: { readonly error: unknown } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: StageOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  /** The supervisor has said so: nothing is left on the target. */
  get hasEnded(): boolean {
    return this.#exitCode !== undefined;
  }

  async run(connection: SshConnection): Promise<ExitStatus> {
    const { command, mark } = this.#options;
    const script = new TextEncoder().encode(command.script);
    const { argv } = command.invocation;
    const signal = this.#signal;
    const process = await connection.start(
      superviseCommand({ argv, mark, size: script.length }),
      {
        output: (bytes) => this.#print(bytes),
        errors: (bytes) => this.#hear(bytes),
      },
      { signal },
    );
    this.#process = process;
    const stop = () => this.#stop();
    signal.addEventListener("abort", stop, { once: true });
    try {
      if (signal.aborted) this.#stop();
      void process.write(script);
      return await this.#end(process);
    } finally {
      signal.removeEventListener("abort", stop);
      clearTimeout(this.#timer);
    }
  }

  async #end(process: SshProcess): Promise<ExitStatus> {
    let ended: { readonly code: number | undefined };
    try {
      const end = await process.ended;
      ended = { code: end.kind === "exited" ? end.code : undefined };
    } catch (error) {
      if (this.#signal.aborted) throw this.#signal.reason;
      if (this.#exitCode === undefined) throw error;
      ended = { code: this.#exitCode };
    }
    if (this.#signal.aborted) throw this.#signal.reason;
    if (this.#logFault !== undefined) {
      const { error } = this.#logFault;
      throw new SystemFailure(`Cannot write the log: ${messageOf(error)}`, { cause: error });
    }
    if (this.#exitCode !== undefined) return { kind: "exited", code: this.#exitCode };
    const { stage } = this.#options.command;
    const said = this.#complaint.trim();
    throw new SystemFailure(
      `The server ended ${stage} before its script did` +
        (ended.code === undefined ? "" : ` (exit code ${ended.code})`) +
        (said === "" ? "" : `: ${said}`),
    );
  }

  /** Asks the processes to end, and kills them when they take too long. */
  #stop(): void {
    const graceMs = this.#options.graceMs(this.#signal.reason);
    if (graceMs === 0) return this.#kill();
    void this.#process?.write(TERMINATE);
    this.#limit(graceMs, () => this.#kill());
  }

  #kill(): void {
    this.#process?.endInput();
    this.#limit(KILLED_MS, () => this.#abandon());
  }

  #abandon(): void {
    this.#process?.abandon(new SystemFailure("The server does not end the job's processes"));
  }

  #print(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#exitCode !== undefined) this.#limit(DRAIN_MS, () => this.#abandon());
    if (this.#logFault !== undefined) return undefined;
    try {
      return this.#options.output.write(bytes)?.catch((error) => this.#loseLog(error));
    } catch (error) {
      this.#loseLog(error);
      return undefined;
    }
  }

  #loseLog(error: unknown): void {
    this.#logFault ??= { error };
    this.#kill();
  }

  #hear(bytes: Uint8Array): void {
    this.#complaint = (this.#complaint + new TextDecoder().decode(bytes)).slice(-MOST_COMPLAINT);
    const code = exitPattern(this.#options.mark).exec(this.#complaint)?.[1];
    if (code === undefined || this.#exitCode !== undefined) return;
    this.#exitCode = Number(code);
    this.#limit(DRAIN_MS, () => this.#abandon());
  }

  /** One limit at a time: each step replaces the one before. */
  #limit(ms: number, onOver: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(onOver, ms);
  }
}
