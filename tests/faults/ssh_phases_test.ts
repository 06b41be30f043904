/** SIGKILL to the manager, and to the SSH server of a target, in every phase of a job. */

import {
  afterAll,
  beforeAll,
  beforeEach,
  describe,
  expect,
  setDefaultTimeout,
  test,
} from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { uniqueNap } from "../../core/plugin/check/bench.ts";
import { isRunning } from "../conformance/executor_suite.ts";
import {
  eventually,
  expectFailure,
  expectSuccess,
  type FinishedJob,
  type Lab,
} from "../e2e/lab.ts";
import { EXECUTABLE } from "../e2e/runner_process.ts";
import { NOTICED_MS, openSshLab } from "../e2e/ssh_lab.ts";
import { missingForSshd, startSshd, type TestSshd } from "../fixtures/sshd.ts";

setDefaultTimeout(90_000);

const missing = missingForSshd();
const SYSTEM_FAILURE = "runner_system_failure";

/** Phases of a job, by the program that it runs on the target then. */
const PHASES: Readonly<Record<string, string>> = {
  get_sources: "git",
  restore_cache: "cache-extractor",
  download_artifacts: "artifacts-downloader",
  step_script: "script",
  after_script: "after",
  archive_cache: "cache-archiver",
  upload_artifacts: "artifacts-uploader",
  cleanup_file_variables: "rm",
};

/** A server whose programs stop where a test wants them to. */
class Target implements AsyncDisposable {
  readonly sshd: TestSshd;
  readonly #root: string;

  static async open(): Promise<Target> {
    const root = mkdtempSync(join(tmpdir(), "runner-ssh-phases-"));
    mkdirSync(join(root, "bin"));
    const program = (name: string, ...lines: string[]) =>
      writeFileSync(join(root, "bin", name), ["#!/bin/sh", ...lines, ""].join("\n"), {
        mode: 0o755,
      });
    program(
      "stop-at",
      `cd ${root} && mv "$1" "at-$1" 2>/dev/null || exit 0`,
      'read near far < "at-$1"; setsid sleep "$far" & sleep "$near"',
    );
    program("gitlab-runner", 'stop-at "$1"', `exec ${EXECUTABLE} "$@"`);
    for (const name of ["git", "rm"]) {
      program(name, `stop-at ${name}`, `exec /usr/bin/${name} "$@"`);
    }
    const path = `${join(root, "bin")}:/usr/bin:/bin`;
    const sshd = await startSshd({ environment: [`PATH=${path}`] });
    // The system's own start files set another one.
    writeFileSync(join(sshd.home, ".bash_profile"), `PATH=${path}\n`);
    return new Target(root, sshd);
  }

  private constructor(root: string, sshd: TestSshd) {
    this.#root = root;
    this.sshd = sshd;
  }

  /** The processes that will be there when `phase` has been reached. */
  stopAt(phase: string): readonly string[] {
    const naps = [uniqueNap(), uniqueNap()];
    const program = PHASES[phase] ?? "";
    // Others remove files too.
    const name = phase === "cleanup_file_variables" ? "armed" : program;
    writeFileSync(join(this.#root, name), naps.join(" "));
    return naps;
  }

  /** The last line of a script, after which whatever is removed is removed in the end. */
  get arm(): string {
    return `mv ${this.#root}/armed ${this.#root}/rm 2>/dev/null || true`;
  }

  note(name: string): string {
    return join(this.#root, name);
  }

  killSessions(): void {
    for (const session of this.sshd.sessions()) process.kill(session, "SIGKILL");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sshd[Symbol.asyncDispose]();
    rmSync(this.#root, { recursive: true });
  }
}

describe.skipIf(missing !== undefined)(
  missing ? `kill over SSH: NOT RUN, ${missing}` : "over SSH",
  () => {
    let target: Target;
    let lab: Lab;
    let source: FinishedJob;
    beforeAll(async () => {
      target = await Target.open();
      lab = (await openSshLab(target.sshd)).start();
      source = await lab.run({
        script: "echo made > made.txt",
        artifacts: [{ name: "default", paths: ["made.txt"] }],
      });
      expectSuccess(source);
    });
    afterAll(async () => {
      await lab?.[Symbol.asyncDispose]();
      await target?.[Symbol.asyncDispose]();
    });

    const enqueue = () =>
      lab.enqueue({
        repository: lab.repositories.app,
        dependencies: [source.job.id],
        cache: [{ key: "k", paths: ["kept/"], policy: "pull-push", when: "on_success" }],
        variables: { SECRET: { value: "in a file", file: true } },
        script: [`echo $SECRET > ${target.note("secret")}`, "mkdir -p kept; stop-at script"],
        afterScript: ["stop-at after", target.arm],
        artifacts: [{ name: "default", paths: ["made.txt"] }],
      });

    /** Where the job's secret was, if the job came so far as to tell. */
    const secret = () => {
      const note = target.note("secret");
      return existsSync(note) ? readFileSync(note, "utf8").trim() : undefined;
    };
    const hasSecret = () => {
      const path = secret();
      return path !== undefined && existsSync(path);
    };
    beforeEach(() => rmSync(target.note("secret"), { force: true }));

    test.each(Object.keys(PHASES))(
      "a manager that is killed in %s leaves nothing, and reports the job when it is back",
      async (phase) => {
        const naps = target.stopAt(phase);
        const job = enqueue();
        await eventually(() => naps.every(isRunning), `the job is at ${phase}`, 20_000);
        lab.process.signal("SIGKILL");
        await lab.process.exited();
        await eventually(() => !naps.some(isRunning), "nothing runs on the target", 5000);
        expect(job.isOver).toBe(false);
        lab.start();
        const finished = await lab.finished(job);
        expectFailure(finished, SYSTEM_FAILURE);
        expect(finished.plain).toContain("the runner was restarted while the job ran");
        expect(hasSecret()).toBe(false);
        expectSuccess(await lab.finished(enqueue()));
        expect(secret()).toBeDefined();
        expect(hasSecret()).toBe(false);
      },
    );

    test.each(Object.keys(PHASES))(
      "a server that is killed in %s ends the job within seconds, and nothing is left",
      async (phase) => {
        const naps = target.stopAt(phase);
        const job = enqueue();
        await eventually(() => naps.every(isRunning), `the job is at ${phase}`, 20_000);
        const started = performance.now();
        target.killSessions();
        const finished = await lab.finished(job);
        expect(performance.now() - started).toBeLessThan(NOTICED_MS);
        // What after_script does, and what is left to remove, does not change how a job has ended.
        if (["after_script", "cleanup_file_variables"].includes(phase)) expectSuccess(finished);
        else expectFailure(finished, SYSTEM_FAILURE);
        expect(finished.plain).toContain("Lost the SSH connection");
        await eventually(() => !naps.some(isRunning), "nothing runs on the target", 5000);
        await eventually(() => !hasSecret(), "no secret is left", 15_000);
        expectSuccess(await lab.finished(enqueue()));
        expect(secret()).toBeDefined();
        expect(hasSecret()).toBe(false);
      },
    );
  },
);
