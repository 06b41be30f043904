/** Runs one script on the target, to the end of every process it has started. */

import { messageOf, SystemFailure } from "../../core/errors.ts";
import type { ExitStatus, OutputSink, StageCommand } from "../../core/executor.ts";
import type { SshProcess, SshStarter } from "../../core/ssh/mod.ts";
import {
  BEAT,
  BEAT_MS,
  SILENCE_SECONDS,
  superviseCommand,
  supervisedInput,
  type SupervisorWords,
  supervisorWords,
  TERMINATE,
} from "./supervisor.ts";

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
  host: SshStarter,
  options: StageOptions,
  control: { signal: AbortSignal; onLost: () => void },
): Promise<ExitStatus> {
  const stage = new Stage(options, control.signal);
  try {
    return await stage.run(host);
  } finally {
    if (!stage.hasEnded) control.onLost();
  }
}

class Stage {
  readonly #options: StageOptions;
  readonly #signal: AbortSignal;
  #process: SshProcess | undefined;
  #said = "";
  #words: SupervisorWords = supervisorWords("", "");
  #logFault: { readonly error: unknown } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #beats: ReturnType<typeof setInterval> | undefined;
  /** The processes were asked to end, or will be as soon as somebody can hear it. */
  #isStopping = false;

  constructor(options: StageOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  /** The supervisor has said so: nothing is left on the target. */
  get hasEnded(): boolean {
    return this.#words.exitCode !== undefined;
  }

  async run(host: SshStarter): Promise<ExitStatus> {
    const { command, mark } = this.#options;
    const stage = {
      argv: command.invocation.argv,
      script: command.script,
      mark,
      silenceSeconds: SILENCE_SECONDS,
    };
    const signal = this.#signal;
    const process = await host.start(
      superviseCommand(stage),
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
      void process.write(supervisedInput(stage));
      return await this.#end(process);
    } finally {
      signal.removeEventListener("abort", stop);
      clearTimeout(this.#timer);
      clearInterval(this.#beats);
    }
  }

  async #end(process: SshProcess): Promise<ExitStatus> {
    let ended: { readonly code: number | undefined };
    try {
      const end = await process.ended;
      ended = { code: end.kind === "exited" ? end.code : undefined };
    } catch (error) {
      if (this.#signal.aborted) throw this.#signal.reason;
      if (this.#words.exitCode === undefined) throw error;
      ended = { code: this.#words.exitCode };
    }
    if (this.#signal.aborted) throw this.#signal.reason;
    if (this.#logFault !== undefined) {
      const { error } = this.#logFault;
      throw new SystemFailure(`Cannot write the log: ${messageOf(error)}`, { cause: error });
    }
    const { stage } = this.#options.command;
    const { exitCode, heardNothing } = this.#words;
    if (heardNothing) {
      throw new SystemFailure(`The server heard nothing of the runner for long and ended ${stage}`);
    }
    if (exitCode !== undefined) return { kind: "exited", code: exitCode };
    const said = this.#complaint();
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
    this.#isStopping = true;
    if (this.#words.isReady) void this.#process?.write(TERMINATE);
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
    if (this.hasEnded) this.#limit(DRAIN_MS, () => this.#abandon());
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
    this.#said = (this.#said + new TextDecoder().decode(bytes)).slice(-MOST_COMPLAINT);
    const before = this.#words;
    const heard = supervisorWords(this.#said, this.#options.mark);
    this.#words = {
      isReady: before.isReady || heard.isReady,
      heardNothing: before.heardNothing || heard.heardNothing,
      exitCode: before.exitCode ?? heard.exitCode,
    };
    if (this.#words.isReady && !before.isReady) this.#takeLead();
    if (this.hasEnded && before.exitCode === undefined) {
      this.#limit(DRAIN_MS, () => this.#abandon());
    }
  }

  /** What was said before this could have been taken for a part of the script. */
  #takeLead(): void {
    if (this.#isStopping) void this.#process?.write(TERMINATE);
    this.#beats = setInterval(() => void this.#process?.write(BEAT), BEAT_MS);
  }

  /** What others than the supervisor said on the standard error: a shell, the server. */
  #complaint(): string {
    const { mark } = this.#options;
    return this.#said.split("\n").filter((line) => !line.startsWith(mark)).join("\n").trim();
  }

  /** One limit at a time: each step replaces the one before. */
  #limit(ms: number, onOver: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(onOver, ms);
  }
}
