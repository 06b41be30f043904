#!/usr/bin/env bun
/**
 * Runs every stage in a PID namespace of its own, with `unshare` of util-linux: a job sees no process
 * but its own, and the kernel ends them all with the stage. Needs root.
 *
 * config.toml:
 *
 *     [[runners]]
 *       executor = "pid-namespace"
 *       [runners.plugin.config]
 *         root = "/srv/jobs"    # where jobs get their directories; default: the state directory
 */

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import {
  ConfigurationError,
  type Executor,
  type ExecutorIO,
  type ExitStatus,
  type HostFile,
  type InitializeParams,
  type JobSpec,
  type OpenPlugin,
  type PreparedEnvironment,
  runScript,
  runScriptOnTerminal,
  type RunScriptOptions,
  saveFile,
  servePlugin,
  type StageCommand,
  type Terminal,
  type TerminalOptions,
} from "runner-plugin-sdk";

const GRACE_MS = 30_000;

/** The namespace's first process waits for the shell; with it everything inside ends. */
const UNSHARE = ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc"];

class NamespaceExecutor implements Executor {
  readonly #root: string;
  readonly #arch: string;
  readonly #ending = new AbortController();
  #directory: string | undefined;
  #running: Promise<unknown> = Promise.resolve();
  #shown: Promise<unknown> = Promise.resolve();

  constructor(root: string, arch: string) {
    this.#root = root;
    this.#arch = arch;
  }

  async prepare(
    spec: JobSpec,
    io: ExecutorIO,
    { signal }: { signal: AbortSignal },
  ): Promise<PreparedEnvironment> {
    signal.throwIfAborted();
    this.#remove();
    mkdirSync(this.#root, { recursive: true });
    this.#directory = mkdtempSync(join(this.#root, `job-${spec.id}-`));
    io.remember({ directory: this.#directory });
    io.log.print("Using the pid-namespace executor...");
    return {
      os: "linux",
      arch: this.#arch,
      hostname: undefined,
      buildsDir: join(this.#directory, "builds"),
      cacheDir: join(this.#root, "cache"),
      sharedBuildsDir: false,
      projectSlot: spec.slot.project,
      shell: "bash",
      login: false,
      exitPhrase: "exit status",
      helperCommand: undefined,
      variables: {},
    };
  }

  async run(
    command: StageCommand,
    io: ExecutorIO,
    options: { signal: AbortSignal },
  ): Promise<ExitStatus> {
    const running = runScript(command, io, this.#place(options.signal));
    this.#running = running.catch(() => {});
    return await running;
  }

  async openTerminal(command: StageCommand, options: TerminalOptions): Promise<Terminal> {
    const terminal = runScriptOnTerminal(command, options, this.#place(options.signal));
    this.#shown = terminal.ended.catch(() => {});
    return terminal;
  }

  /** The runner's executable, kept from job to job. */
  async putFile(file: HostFile): Promise<string> {
    const path = join(this.#root, "helpers", file.sha256);
    await saveFile(file, path);
    return path;
  }

  #place(signal: AbortSignal): RunScriptOptions {
    return {
      wrapper: UNSHARE,
      env: { PATH: "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", HOME: this.#directory ?? "/" },
      cwd: this.#directory ?? "/",
      graceMs: GRACE_MS,
      signal: AbortSignal.any([signal, this.#ending.signal]),
    };
  }

  async finish(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort(new Error("The job is over"));
    await Promise.all([this.#running, this.#shown]);
    this.#remove();
  }

  #remove(): void {
    if (this.#directory !== undefined) rmSync(this.#directory, { recursive: true, force: true });
    this.#directory = undefined;
  }
}

function open({ runner, host, state_dir }: InitializeParams): OpenPlugin {
  const root = runner.config["root"] ?? state_dir;
  if (typeof root !== "string" || !isAbsolute(root)) {
    throw new ConfigurationError(`root: ${JSON.stringify(root)} is no absolute path`);
  }
  return {
    info: {
      features: {
        variables: true,
        image: false,
        services: false,
        shared: false,
        session: false,
        terminal: true,
      },
      defaultShell: "bash",
    },
    graceMs: GRACE_MS,
    takesFiles: true,
    acquire: async () => new NamespaceExecutor(root, host.arch),
    async reap({ directory }) {
      if (typeof directory !== "string" || !directory.startsWith(`${root}/job-`)) return;
      rmSync(directory, { recursive: true, force: true });
    },
    async [Symbol.asyncDispose]() {},
  };
}

await servePlugin({ name: "pid-namespace", version: "1.0", open });
