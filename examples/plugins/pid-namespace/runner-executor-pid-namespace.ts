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
  type InitializeParams,
  type JobSpec,
  type OpenPlugin,
  type PreparedEnvironment,
  runScript,
  serveOnStdio,
  type StageCommand,
} from "runner-plugin-sdk";

const GRACE_MS = 30_000;

/** The namespace's first process waits for the shell; with it everything inside ends. */
const UNSHARE = ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc"];

class NamespaceExecutor implements Executor {
  readonly #root: string;
  readonly #executable: string;
  readonly #ending = new AbortController();
  #directory: string | undefined;
  #running: Promise<unknown> = Promise.resolve();

  constructor(root: string, executable: string) {
    this.#root = root;
    this.#executable = executable;
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
      hostname: undefined,
      buildsDir: join(this.#directory, "builds"),
      cacheDir: join(this.#root, "cache"),
      sharedBuildsDir: false,
      projectSlot: spec.slot.project,
      shell: "bash",
      login: false,
      exitPhrase: "exit status",
      helperCommand: [this.#executable],
      variables: {},
    };
  }

  async run(
    command: StageCommand,
    io: ExecutorIO,
    options: { signal: AbortSignal },
  ): Promise<ExitStatus> {
    const signal = AbortSignal.any([options.signal, this.#ending.signal]);
    const running = runScript(command, io, {
      wrapper: UNSHARE,
      env: { PATH: "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", HOME: this.#directory ?? "/" },
      cwd: this.#directory ?? "/",
      graceMs: GRACE_MS,
      signal,
    });
    this.#running = running.catch(() => {});
    return await running;
  }

  async finish(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort(new Error("The job is over"));
    await this.#running;
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
        terminal: false,
      },
      defaultShell: "bash",
    },
    graceMs: GRACE_MS,
    acquire: async () => new NamespaceExecutor(root, host.executable),
    async reap({ directory }) {
      if (typeof directory !== "string" || !directory.startsWith(`${root}/job-`)) return;
      rmSync(directory, { recursive: true, force: true });
    },
    async [Symbol.asyncDispose]() {},
  };
}

await serveOnStdio({ name: "pid-namespace", version: "1.0", open });
