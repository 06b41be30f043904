/** One container of a job: made once, started once, stages run in it one after another. */

import { JobConfigurationError, messageOf, RunnerError, SystemFailure } from "../../core/errors.ts";
import type { OutputSink, Terminal, TerminalOptions } from "../../core/executor.ts";
import type { Logger } from "../../core/log/logger.ts";
import { abortable, settlesWithin } from "../../core/util/abort.ts";
import { ContainerOutput } from "./container_output.ts";
import { ContainerGone, hasEnded, isNoLonger, isRefused } from "./container_gone.ts";
import { type ContainerSpec, type Engine, EngineError, type ProcessEnd } from "./engine/mod.ts";
import { type Answer, askContainer, type Question, wasOutOfMemory } from "./question.ts";
import { receiveScript, runReceived, signalCommand } from "./scripts.ts";

export interface JobContainerOptions {
  readonly engine: Engine;
  readonly logger: Logger;
  readonly name: string;
  readonly spec: ContainerSpec;
  readonly platform: string;
  /**
   * `kept`: a shell waits in it and stages are started beside that. `script`: each start runs one
   * script, which the image's entrypoint gets on its standard input.
   */
  readonly mode: "kept" | "script";
  /** Other containers' or the host's processes are in it, which no signal of ours may reach. */
  readonly sharesProcesses: boolean;
}

/** One stage's process. */
export interface ContainerProcess {
  /** Unused in mode `script`, where it is the container's own command. */
  readonly argv: readonly string[];
  /** Added to the container's own. */
  readonly env?: readonly string[];
  readonly input: Uint8Array;
  readonly output: OutputSink;
  /** How long it may take to end after SIGTERM, for the reason of an abort. Milliseconds. */
  readonly graceMs: (reason: unknown) => number;
  /** Called when the container runs and before the process gets its input. */
  readonly ready?: () => Promise<void>;
}

/** For single calls that nobody's signal bounds: an engine that takes longer is broken. */
const CALL_MS = 10_000;

/** A large image can take long to be mounted. */
const CREATE_MS = 120_000;

/** Killed processes are gone at once, and what they wrote has to come through. */
const KILLED_MS = 2000;

export class JobContainer {
  readonly #options: JobContainerOptions;
  #created: Promise<string> | undefined;
  #started: Promise<void> | undefined;
  #output: ContainerOutput;
  /** Ids of those whose place was taken. */
  readonly #gone = new Set<string>();
  readonly #disposal = new AbortController();

  constructor(options: JobContainerOptions) {
    this.#options = options;
    this.#output = new ContainerOutput(options.logger);
  }

  get name(): string {
    return this.#options.name;
  }

  /** Signals reach no processes but its own. */
  get hasOwnProcesses(): boolean {
    return !this.#options.sharesProcesses;
  }

  get isKept(): boolean {
    return this.#options.mode === "kept";
  }

  /** Resolves with its id. A request that the engine has is never given up: it would be lost. */
  async create(signal: AbortSignal): Promise<string> {
    this.#created ??= this.#make();
    return await abortable(this.#created, signal);
  }

  async #make(): Promise<string> {
    const { engine, name, spec, platform } = this.#options;
    try {
      return await engine.createContainer(name, spec, {
        signal: AbortSignal.timeout(CREATE_MS),
        ...(platform === "" ? {} : { platform }),
      });
    } catch (cause) {
      if (!(cause instanceof EngineError && cause.kind === "bad-request")) throw cause;
      // What the job or the configuration asks for is never to be had.
      throw new JobConfigurationError(
        `The Docker Engine refuses to make container ${name}: ${messageOf(cause)}`,
        { cause },
      );
    }
  }

  /** Has it running, unless others have ended it since: that is found when it is used. Mode `kept` only. */
  async start(signal: AbortSignal): Promise<void> {
    await this.#inUsable((id) => this.#start(id, signal), { signal });
  }

  /**
   * Does something with it, by its id: an idle container may be pruned or stopped by others, and the
   * engine refuses then. Another one takes its place, and it is done once more, `unless` something of
   * it was done already.
   */
  async #inUsable<T>(
    act: (id: string) => Promise<T>,
    options: { signal: AbortSignal; unless?: () => boolean },
  ): Promise<T> {
    const { signal, unless = () => false } = options;
    const id = await this.create(signal);
    try {
      return await act(id);
    } catch (error) {
      if (!isRefused(error) || unless() || await this.#isUsable(id, signal)) throw error;
      // Whoever removes the job's things would not know of another one.
      this.#disposal.signal.throwIfAborted();
      this.#renew(id);
      return await act(await this.create(signal));
    }
  }

  async #start(id: string, signal: AbortSignal): Promise<void> {
    this.#started ??= this.#options.engine.startContainer(id, { signal });
    try {
      await this.#started;
    } catch (error) {
      this.#started = undefined;
      throw lacksShell(error) ? noShell(this.#options.name, error) : error;
    }
  }

  /** Another container takes the place of the one with this id, unless that has happened already. */
  #renew(id: string): void {
    if (this.#gone.has(id)) return;
    this.#gone.add(id);
    const its = { signal: AbortSignal.timeout(CREATE_MS) };
    this.#created = this.#options.engine.removeContainer(id, its).then(() => this.#make());
    this.#created.catch(() => {});
    this.#started = undefined;
    this.#output = new ContainerOutput(this.#options.logger);
  }

  /** Whether it can still be started, or run in when it was. */
  async #isUsable(id: string, signal: AbortSignal): Promise<boolean> {
    await this.#started?.catch(() => {});
    const found = await this.#options.engine.inspectContainer(id, { signal });
    return this.isKept && this.#started !== undefined ? !hasEnded(found) : !isNoLonger(found);
  }

  /** Runs a program to its end, outside of any stage, with its output kept. Mode `kept` only. */
  async ask(argv: readonly string[], options: Question): Promise<Answer> {
    const { signal } = options;
    return await this.#inUsable(async (id) => {
      await this.#start(id, signal);
      return await askContainer(this.#options.engine, id, argv, options);
    }, { signal });
  }

  /** Runs `script`, by way of the file at `path`, in the best shell there is. Mode `kept` only. */
  async openTerminal(
    script: string,
    { path, ...options }: TerminalOptions & { readonly path: string },
  ): Promise<Terminal> {
    const { engine, name } = this.#options;
    const { signal } = options;
    const id = await this.create(signal);
    const request = { argv: receiveScript(path), input: new TextEncoder().encode(script) };
    const output = { write: () => undefined };
    const { exitCode } = await engine.exec(id, request, { output, signal });
    if (exitCode !== 0) throw new SystemFailure(`Cannot write "${path}" in container ${name}`);
    return await engine.openTerminal(id, runReceived(path), options);
  }

  /**
   * Runs a process to its end and everything it started. When `signal` aborts, they are asked to
   * end, then killed; then it rejects with the signal's reason. Throws ContainerGone.
   */
  async run(process: ContainerProcess, options: { signal: AbortSignal }): Promise<ProcessEnd> {
    const { signal } = options;
    signal.throwIfAborted();
    const done = this.#options.mode === "kept"
      ? this.#exec(process, signal)
      : this.#runScript(process, signal);
    done.catch(() => {});
    try {
      return await abortable(done, signal);
    } catch (error) {
      if (this.#disposal.signal.aborted) throw error;
      if (!signal.aborted) await this.#assertThere(error, signal);
      const graceMs = signal.aborted ? process.graceMs(signal.reason) : 0;
      await this.#stop(done, graceMs);
      throw signal.aborted ? signal.reason : error;
    }
  }

  async #exec(process: ContainerProcess, signal: AbortSignal): Promise<ProcessEnd> {
    const { argv, env, input, output } = process;
    const request = { argv, input, ...(env === undefined ? {} : { env }) };
    let hasBegun = false;
    const its = {
      output,
      signal: this.#disposal.signal,
      onStart: () => {
        hasBegun = true;
      },
    };
    return await this.#inUsable(async (id) => {
      await this.#start(id, signal);
      await process.ready?.();
      signal.throwIfAborted();
      return await this.#options.engine.exec(id, request, its);
    }, { signal, unless: () => hasBegun });
  }

  async #runScript(process: ContainerProcess, signal: AbortSignal): Promise<ProcessEnd> {
    const { engine } = this.#options;
    const its = { signal: this.#disposal.signal };
    const { id, streams: opened } = await this.#inUsable(
      (each) => this.#startAttached(each, process.output, signal),
      { signal },
    );
    await using streams = opened;
    await process.ready?.();
    // A container that ends without reading its script tells more by its exit than by this.
    await streams.write(process.input).catch(() => {});
    streams.closeInput();
    const ended = engine.waitContainer(id, its);
    // Podman hangs up on who still writes to a container that is about to end.
    const shown = streams.ended.catch(async (lost) => {
      await ended.catch(() => Promise.reject(lost));
      this.#output.noteCut();
    });
    const end = await Promise.race([ended, shown.then(() => engine.waitContainer(id, its))]);
    await shown;
    await this.#output.complete(id, process.output, { engine, ...its });
    this.#started = undefined;
    return end;
  }

  async #startAttached(id: string, output: OutputSink, signal: AbortSignal) {
    const { engine } = this.#options;
    const its = { signal: this.#disposal.signal };
    const counted = this.#output.to(output);
    const streams = await engine.attachContainer(id, { ...its, output: counted, stdin: true });
    try {
      signal.throwIfAborted();
      this.#started = engine.startContainer(id, its);
      await this.#started;
      return { id, streams };
    } catch (error) {
      await streams[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Throws ContainerGone when that is why a process could not be run to its end. */
  async #assertThere(cause: unknown, signal: AbortSignal): Promise<void> {
    if (!isRefused(cause)) return;
    const id = await this.create(signal);
    if (!await this.#isUsable(id, signal)) throw new ContainerGone(this.name, { id, cause });
  }

  /** Ends what runs in it. The container is killed when nothing else helps, and starts anew then. */
  async #stop(done: Promise<ProcessEnd>, graceMs: number): Promise<void> {
    if (graceMs > 0) {
      await this.#signalAll("TERM");
      if (await settlesWithin(done, graceMs)) return;
    }
    await this.#signalAll("KILL");
    if (graceMs > 0 && await settlesWithin(done, KILLED_MS)) return;
    await this.#kill();
    await settlesWithin(done, KILLED_MS);
  }

  /** Ends what questions have left running. */
  async endAll(): Promise<void> {
    if (this.#started !== undefined) await this.#signalAll("KILL");
  }

  async #signalAll(name: "TERM" | "KILL"): Promise<void> {
    if (!this.hasOwnProcesses) return;
    try {
      const signal = AbortSignal.timeout(CALL_MS);
      const id = await this.create(signal);
      const command = signalCommand(name);
      await askContainer(this.#options.engine, id, command, { user: "0:0", signal });
    } catch (error) {
      this.#options.logger.debug("Cannot signal the processes of a container", {
        container: this.#options.name,
        error: messageOf(error),
      });
    }
  }

  async #kill(): Promise<void> {
    const { engine } = this.#options;
    try {
      const signal = AbortSignal.timeout(CALL_MS);
      const id = await this.create(signal);
      await engine.killContainer(id, "SIGKILL", { signal });
      await engine.waitContainer(id, { signal });
      this.#started = undefined;
    } catch (error) {
      this.#options.logger.warning("Cannot kill a container", {
        container: this.#options.name,
        error: messageOf(error),
      });
    }
  }

  /**
   * How a process ended that was killed by a signal nobody here sent. Throws ContainerGone when its
   * container went with it.
   */
  async killedBy(signal: AbortSignal): Promise<"memory" | "something"> {
    const { engine, name, mode } = this.#options;
    const id = await this.create(signal);
    // The engine tells the end of a process before that of the container that took it along.
    const patience = AbortSignal.any([signal, AbortSignal.timeout(DYING_MS)]);
    if (mode === "kept") await engine.waitContainer(id, { signal: patience }).catch(() => {});
    const found = await engine.inspectContainer(id, { signal });
    if (isNoLonger(found)) throw new ContainerGone(name, { id });
    if (found.oomKilled) return "memory";
    if (mode === "script") return "something";
    if (hasEnded(found)) throw new ContainerGone(name, { id });
    return await wasOutOfMemory(engine, id, { signal }) ? "memory" : "something";
  }

  /** Gives up what runs in it. Resolves when it is sure whether the engine has it. */
  async abandon(): Promise<void> {
    this.#disposal.abort(new RunnerError("the container is being removed"));
    await this.#created?.catch(() => {});
  }
}

/** Far longer than the engine takes to notice that a container has ended. */
const DYING_MS = 500;

/** runc and crun have words of their own for it. */
function lacksShell(error: unknown): boolean {
  return /executable file [`"']?sh[`"']? not found|exec: "sh": executable file not found/.test(
    messageOf(error),
  );
}

function noShell(container: string, cause: unknown): SystemFailure {
  return new SystemFailure(
    `The image of container ${container} has no "sh" in its PATH: jobs run with bash or sh, and ` +
      "scripts for other shells, PowerShell among them, are not built yet",
    { cause },
  );
}
