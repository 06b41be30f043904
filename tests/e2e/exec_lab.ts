/** A repository with a CI file, and the compiled executable that runs it. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ExecEvent } from "../../core/local/events.ts";
import { type ProgramEnd, programEnd } from "../fixtures/program_end.ts";
import { EXECUTABLE } from "./runner_process.ts";

export class ExecLab implements Disposable {
  readonly dir = mkdtempSync(join(tmpdir(), "runner-exec-"));
  readonly repository = join(this.dir, "repository");
  readonly env: Record<string, string>;

  constructor(files: Readonly<Record<string, string>>) {
    for (const name of ["home", "repository"]) mkdirSync(join(this.dir, name));
    this.env = {
      PATH: process.env["PATH"] ?? "",
      HOME: join(this.dir, "home"),
      LANG: "C.UTF-8",
      TMPDIR: this.dir,
    };
    this.git("init", "--quiet", "--initial-branch=main", ".");
    this.git("remote", "add", "origin", "git@gitlab.example.org:group/app.git");
    this.write(files);
    this.git("add", ".");
    this.git("commit", "--quiet", "--message=Add the pipeline");
  }

  git(...args: readonly string[]): string {
    const identity = ["-c", "user.name=Tester", "-c", "user.email=tester@example.com"];
    const { exitCode, stdout, stderr } = Bun.spawnSync(["git", ...identity, ...args], {
      cwd: this.repository,
      env: this.env,
    });
    if (exitCode !== 0) throw new Error(`git ${args.join(" ")}: ${stderr}`);
    return stdout.toString();
  }

  write(files: Readonly<Record<string, string>>): void {
    for (const [name, content] of Object.entries(files)) {
      const path = join(this.repository, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
    }
  }

  start(args: readonly string[]) {
    return Bun.spawn([EXECUTABLE, "exec", ...args], {
      cwd: this.repository,
      env: this.env,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
  }

  async run(...args: readonly string[]): Promise<ProgramEnd> {
    return await programEnd(this.start(args));
  }

  /** Runs with `--json`; every line has to be an event of the schema. */
  async events(...args: readonly string[]): Promise<{ code: number; events: ExecEvent[] }> {
    const { code, stdout } = await this.run("--json", ...args);
    const events = stdout.split("\n").filter((line) => line !== "")
      .map((line) => ExecEvent.parse(JSON.parse(line)));
    return { code, events };
  }

  /** Those whose environment names the lab's home. */
  processes(): string[] {
    const home = this.env["HOME"] ?? "";
    const { stdout } = Bun.spawnSync([
      "sh",
      "-c",
      `grep -alsF 'HOME=${home}' /proc/[0-9]*/environ`,
    ]);
    return stdout.toString().split("\n").filter((line) => line !== "");
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

export type EventOf<T extends ExecEvent["type"]> = Extract<ExecEvent, { type: T }>;

export function ofType<T extends ExecEvent["type"]>(
  events: readonly ExecEvent[],
  type: T,
): EventOf<T>[] {
  return events.filter((event): event is EventOf<T> => event.type === type);
}

/** What the job's script printed. */
export function outputOf(events: readonly ExecEvent[], job: string): string[] {
  return ofType(events, "job.output")
    .filter((event) => event.job === job && event.source === "script")
    .map(({ text }) => text);
}
