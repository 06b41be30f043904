/** A program in memory: fake streams, real files, executors that only have names. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCli } from "../../../core/cli/run_cli.ts";
import type { Program, TextInput } from "../../../core/cli/program.ts";
import type { ExecutorProvider } from "../../../core/executor.ts";
import { Registry } from "../../../core/registry.ts";
import { bash, sh } from "../../../shells/bash.ts";

const features = {
  variables: true,
  image: false,
  services: false,
  shared: true,
  session: false,
  terminal: false,
};

/** Not one of them is ever asked to run a job. */
export function namedExecutor(name: string): ExecutorProvider {
  return {
    name,
    info: () => ({ features, defaultShell: "bash" }),
    acquire: () => Promise.resolve(undefined),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Lines that are typed ahead; the input then ends, or stays open. */
export function typed(text: string, end: "ends" | "stays open" = "ends"): TextInput {
  return {
    async *[Symbol.asyncIterator]() {
      yield new TextEncoder().encode(text);
      if (end === "stays open") await new Promise(() => {});
    },
  };
}

export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A home of its own, removed on dispose. */
export class Sandbox implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "cli-test-"));
  readonly configPath = join(this.folder, "config.toml");
  readonly listeners = new Map<string, Set<() => void>>();
  stderr = "";

  program(overrides: Partial<Program> = {}): Program & { readonly printed: { out: string } } {
    const printed = { out: "" };
    return {
      calledAs: "runner",
      env: {},
      cwd: this.folder,
      platform: "linux",
      uid: 1000,
      home: this.folder,
      hostname: "build-host",
      stdin: typed(""),
      stdout: { write: (text: string) => printed.out += text },
      stderr: { write: (text: string) => this.stderr += text },
      executors: () =>
        Promise.resolve(
          new Registry("executor", ["shell", "docker", "ssh", "virtualbox"].map(namedExecutor)),
        ),
      plugins: {},
      pluginTools: () => Promise.reject(new Error("not here")),
      shells: () => Promise.resolve(new Registry("shell", [bash, sh])),
      commands: [],
      signals: {
        on: (signal, listener) => {
          const listeners = this.listeners.get(signal) ?? new Set();
          this.listeners.set(signal, listeners.add(listener));
          return () => void listeners.delete(listener);
        },
      },
      chdir() {},
      ...overrides,
      printed,
    };
  }

  /** Runs a command line; the log of earlier runs is forgotten. */
  async run(argv: readonly string[], overrides: Partial<Program> = {}): Promise<Run> {
    this.stderr = "";
    const program = this.program(overrides);
    const code = await runCli(argv, program);
    return { code, stdout: program.printed.out, stderr: this.stderr };
  }

  signal(name: string): void {
    for (const listener of this.listeners.get(name) ?? []) listener();
  }

  config(): Promise<string> {
    return Bun.file(this.configPath).text();
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** A request as a test sees it. */
export interface Seen {
  readonly call: string;
  readonly body: Record<string, unknown>;
  readonly headers: Headers;
}

/** A GitLab that answers each `METHOD /path` as told, on a port of its own. */
export class FakeGitLab implements AsyncDisposable {
  readonly seen: Seen[] = [];
  readonly #server: ReturnType<typeof Bun.serve>;

  constructor(answers: Readonly<Record<string, (seen: Seen) => Response | Promise<Response>>>) {
    this.#server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: async (request) => {
        const call = `${request.method} ${new URL(request.url).pathname.replace("/api/v4/", "")}`;
        const seen = { call, body: await bodyOf(request), headers: request.headers };
        this.seen.push(seen);
        return await answers[call]?.(seen) ?? new Response("no such route", { status: 404 });
      },
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  get calls(): readonly string[] {
    return this.seen.map(({ call }) => call);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(true);
  }
}

async function bodyOf(request: Request): Promise<Record<string, unknown>> {
  const text = await request.text();
  return text === "" ? {} : JSON.parse(text);
}
