/** The compiled executable as a real process, in a directory of its own. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type ProgramEnd, programEnd } from "../fixtures/program_end.ts";

/** Built by scripts/build.sh; the e2e suites test what people install. */
export const EXECUTABLE = resolve(import.meta.dir, "../../dist/runner");

export interface RunnerEntry {
  readonly url: string;
  readonly token: string;
  readonly name?: string;
  readonly lines?: readonly string[];
}

export class RunnerProcess implements AsyncDisposable {
  readonly dir = mkdtempSync(join(tmpdir(), "runner-e2e-"));
  readonly configPath = join(this.dir, "config.toml");
  readonly env: Record<string, string>;
  log = "";
  #child: ReturnType<typeof Bun.spawn> | undefined;

  constructor(env: Record<string, string> = {}) {
    for (const name of ["home", "work", "builds", "cache"]) mkdirSync(join(this.dir, name));
    this.env = {
      PATH: process.env["PATH"] ?? "",
      HOME: join(this.dir, "home"),
      LANG: "C.UTF-8",
      TMPDIR: this.dir,
      ...env,
    };
  }

  get pid(): number {
    if (this.#child === undefined) throw new Error("The runner is not running");
    return this.#child.pid;
  }

  /** Writes a config with shell executors; `lines` of an entry are TOML put into it as they are. */
  configure(entries: readonly RunnerEntry[], globals: readonly string[] = []): void {
    const lines = ["concurrent = 8", "check_interval = 1", 'log_level = "debug"', ...globals];
    const given = new Set(globals.map((line) => line.split("=")[0]?.trim()));
    const runners = entries.flatMap((entry, index) => [
      "[[runners]]",
      `name = "${entry.name ?? `runner-${index}`}"`,
      `url = "${entry.url}"`,
      `token = "${entry.token}"`,
      ...entry.lines?.some((line) => line.startsWith("executor = ")) ? [] : [
        'executor = "shell"',
        `builds_dir = "${this.dir}/builds"`,
        `cache_dir = "${this.dir}/cache"`,
      ],
      ...entry.lines ?? [],
    ]);
    const globalsOnce = lines.filter((line, index) =>
      index >= 3 || !given.has(line.split("=")[0]?.trim())
    );
    writeFileSync(this.configPath, [...globalsOnce, ...runners, ""].join("\n"), { mode: 0o600 });
  }

  start(args: readonly string[] = []): this {
    const command = ["run", "--config", this.configPath, "--working-directory", `${this.dir}/work`];
    this.#child = Bun.spawn([EXECUTABLE, ...command, ...args], {
      cwd: this.dir,
      env: this.env,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    void this.#collect(this.#child.stdout as ReadableStream<Uint8Array>);
    void this.#collect(this.#child.stderr as ReadableStream<Uint8Array>);
    return this;
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  /** Waits for the end of the process; its exit code, or 128 + n for a signal. */
  async exited(): Promise<number> {
    return await this.#child?.exited ?? 0;
  }

  async stop(): Promise<number> {
    this.signal("SIGTERM");
    const forced = setTimeout(() => this.signal("SIGKILL"), 10_000);
    const code = await this.exited();
    clearTimeout(forced);
    return code;
  }

  /** Runs another command of the executable to its end. */
  async command(
    args: readonly string[],
    options: { env?: Record<string, string>; stdin?: string; cwd?: string } = {},
  ): Promise<ProgramEnd> {
    return await programEnd(Bun.spawn([EXECUTABLE, ...args], {
      cwd: options.cwd ?? this.dir,
      env: { ...this.env, ...options.env },
      stdin: new TextEncoder().encode(options.stdin ?? ""),
      stdout: "pipe",
      stderr: "pipe",
    }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 3 });
  }

  async #collect(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of stream) this.log += decoder.decode(bytes, { stream: true });
  }
}

/** Polls a fact that no event tells, such as a process of the system having gone. */
export async function eventually<T>(
  look: () => T | Promise<T>,
  what: string,
  ms = 10_000,
): Promise<NonNullable<T>> {
  const end = performance.now() + ms;
  for (;;) {
    const found = await look();
    if (found) return found as NonNullable<T>;
    if (performance.now() > end) throw new Error(`Never happened: ${what}`);
    await Bun.sleep(20);
  }
}
