/** SIGKILL to the manager at every point of a job, and the next start. */

import { expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { EmbeddedJob, JobDescriptionInput } from "../../core/embedded/mod.ts";
import { Bench, type BenchOptions, CHECK_INTERVAL_MS, eventually, numbered } from "./harness.ts";

/** All of them run at once: on a busy machine each takes five times as long as alone. */
const LIMIT = 60_000;
const SYSTEM_FAILURE = { state: "failed", failureReason: "runner_system_failure" } as const;
const WHY = "ERROR: Job failed (system failure): the runner was restarted while the job ran";

/** Prints, leaves processes of every kind behind, and never ends by itself. */
const WILD_SCRIPT = [
  "echo begun",
  "sleep 4001 &",
  "(setsid sleep 4002 &)",
  "setsid sh -c 'trap \"\" TERM; sleep 4003; sleep 4004' &",
  "nohup sleep 4005 >/dev/null 2>&1 &",
  "echo wild",
  "sleep 4006",
];

test.concurrent(
  "crash 1: handed out, not accepted: the job is answered for at the next start",
  async () => {
    await using crash = await Crash.open();
    const { coordinator } = crash.bench;
    const accept = coordinator.inject({ match: { state: "running" }, action: { kind: "hang" } });
    const job = crash.enqueue({ script: "echo begun" });
    await eventually(() => accept.hits > 0, "the try to accept");
    await crash.kill();
    expect(job.state).toBe("waiting");
    await crash.expectFailedAfterStart(job, []);
  },
  LIMIT,
);

test.concurrent(
  "crash 1, found too late: the job is left to whoever has it now",
  async () => {
    await using crash = await Crash.open({ coordinator: { ackWindowMs: 500 } });
    const { coordinator } = crash.bench;
    const accept = coordinator.inject({ match: { state: "running" }, action: { kind: "hang" } });
    const job = crash.enqueue({ script: "echo begun" });
    await eventually(() => accept.hits > 0, "the try to accept");
    await crash.kill();
    await eventually(() => job.state === "pending", "the job's return to the queue");
    crash.bench.start();
    await crash.bench.expectDelivered(job, { prints: ["begun"] });
    await crash.expectNothingLeft();
  },
  LIMIT,
);

test.concurrent("crash 2: accepted a moment ago", async () => {
  await using crash = await Crash.open();
  const job = crash.enqueue({ script: ["echo begun", "sleep 4000"] });
  await eventually(() => crash.records().length > 0, "the job's record");
  await crash.kill();
  await crash.expectFailedAfterStart(job, []);
}, LIMIT);

test.concurrent("crash 3: in get_sources, from a slow git server", async () => {
  await using crash = await Crash.open();
  const slow = crash.bench.coordinator.inject({
    match: { path: "\\.git/git-upload-pack" },
    action: { kind: "delay", ms: 60_000 },
  });
  const job = crash.enqueue({ script: "echo begun" });
  await eventually(() => slow.hits > 0, "git's request");
  expect(crash.processes().length).toBeGreaterThan(0);
  await crash.kill();
  await crash.expectFailedAfterStart(job, []);
}, LIMIT);

test.concurrent(
  "crash 4: in a script with children in the background and in sessions of their own",
  async () => {
    await using crash = await Crash.open();
    const job = crash.enqueue({ script: WILD_SCRIPT });
    await eventually(() => crash.processes("sleep 4").length === 5, "all children run");
    await crash.kill();
    expect(crash.processes("sleep 4").length).toBe(5);
    await crash.expectFailedAfterStart(job, ["begun", "wild"]);
  },
  LIMIT,
);

test.concurrent("crash 5: while output flows", async () => {
  await using crash = await Crash.open({
    coordinator: { updateIntervalSeconds: 1 },
    entry: ["output_limit = 262144"],
  });
  const job = crash.enqueue({
    script: "i=0; while :; do i=$((i+1)); echo line $i; done",
  });
  await eventually(() => crash.bench.patches(job).length > 2, "output has been sent");
  await crash.kill();
  crash.bench.start();
  expect(await job.finished).toMatchObject({ ...SYSTEM_FAILURE, checksum: "match" });
  const text = await job.trace.text();
  const lines = text.slice(text.indexOf("\nline 1\n") + 1).split("\n");
  const end = lines.findIndex((line) => line.includes(WHY));
  // The last line may have been cut where the manager died.
  const whole = lines.slice(0, end - 1);
  expect(whole.length).toBeGreaterThan(1000);
  expect(whole).toEqual(numbered("line", whole.length));
  expect(`line ${end}`.startsWith(lines[end - 1] ?? "?")).toBe(true);
  await crash.expectNothingLeft();
}, LIMIT);

test.concurrent("crash 6: in after_script", async () => {
  await using crash = await Crash.open();
  const job = crash.enqueue({
    script: "echo begun",
    afterScript: ["echo after", "sleep 4000"],
  });
  await eventually(() => crash.hasPrinted("after"), "after_script runs");
  await crash.kill();
  await crash.expectFailedAfterStart(job, ["begun", "after"]);
}, LIMIT);

test.concurrent("crash 7: while the cache is saved", async () => {
  await using crash = await Crash.open();
  const cache = [{ key: "k", paths: ["big"], policy: "pull-push", when: "on_success" }];
  const job = crash.enqueue({
    script: ["echo begun", "head -c 400000000 /dev/urandom > big"],
    cache,
  });
  await eventually(() => crash.processes("cache-archiver").length > 0, "the cache is being saved");
  await crash.kill();
  await crash.expectFailedAfterStart(job, ["begun"]);
  // What was half written is taken away once nobody can be at it any more.
  const cached = () =>
    readdirSync(`${crash.bench.process.dir}/cache`, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile());
  for (const { parentPath, name } of cached()) {
    utimesSync(join(parentPath, name), new Date(), Date.now() / 1000 - 2 * 3600);
  }
  const next = crash.next({ script: "echo small > big", cache });
  await crash.bench.expectDelivered(next, { prints: [] });
  expect(cached().filter(({ name }) => name.startsWith("archive_"))).toEqual([]);
  const reader = crash.next({ script: "cat big", cache });
  await crash.bench.expectDelivered(reader, { prints: ["small"] });
}, LIMIT);

test.concurrent("crash 8: while an artifact is uploaded", async () => {
  await using crash = await Crash.open();
  const upload = crash.bench.coordinator.inject({
    match: { method: "POST", path: "/artifacts$" },
    action: { kind: "hang" },
  });
  const job = crash.enqueue({
    script: ["echo begun", "echo content > file"],
    artifacts: [{ name: "a", paths: ["file"], when: "on_success" }],
  });
  await eventually(() => upload.hits > 0, "the upload");
  await crash.kill();
  await crash.expectFailedAfterStart(job, ["begun"]);
}, LIMIT);

test.concurrent("crash 9: between the script's end and the final update's answer", async () => {
  await using crash = await Crash.open();
  const final = crash.bench.coordinator.inject({
    match: { state: "final" },
    action: { kind: "hang" },
  });
  const job = crash.enqueue({ script: "echo begun" });
  await eventually(() => final.hits > 0, "the final update");
  await crash.kill();
  crash.bench.start();
  await crash.bench.expectDelivered(job, { prints: ["begun"] });
  await crash.expectNothingLeft();
}, LIMIT);

test.concurrent("crash 9b: the final update was stored, its answer never read", async () => {
  await using crash = await Crash.open();
  const final = crash.bench.coordinator.inject({
    match: { state: "final" },
    action: { kind: "hang", handled: true },
  });
  const job = crash.enqueue({ script: ["echo begun", "exit 4"] });
  await eventually(() => final.hits > 0, "the final update");
  await crash.kill();
  crash.bench.start();
  await crash.bench.expectDelivered(job, {
    state: "failed",
    failureReason: "script_failure",
    prints: ["begun"],
  });
  await crash.expectNothingLeft();
}, LIMIT);

test.concurrent("crash 10: while the result is kept in the outbox", async () => {
  await using crash = await Crash.open();
  const { coordinator, process } = crash.bench;
  const job = crash.enqueue({ script: ["echo begun", "sleep 0.5", "echo done", "exit 5"] });
  await eventually(() => crash.processes("sleep").length === 1, "the script runs");
  await coordinator.suspend();
  await eventually(() => process.log.includes("it is kept and sent later"), "it is kept");
  await crash.kill();
  await coordinator.resume();
  crash.bench.start();
  await crash.bench.expectDelivered(job, {
    state: "failed",
    failureReason: "script_failure",
    prints: ["begun", "done"],
  });
  expect((await job.finished).exitCode).toBe(5);
  await crash.expectNothingLeft();
}, LIMIT);

/** A bench whose jobs have a checkout, a file variable, and a manager that dies. */
class Crash implements AsyncDisposable {
  readonly bench: Bench;
  readonly #repos: string;
  readonly #commit: string;

  static async open(options: BenchOptions = {}): Promise<Crash> {
    const repos = mkdtempSync(join(tmpdir(), "runner-repos-"));
    const commit = makeRepository(join(repos, "group/project.git"));
    const bench = await Bench.open({
      ...options,
      coordinator: { longPollMs: 20_000, ...options.coordinator, reposRoot: repos },
    });
    return new Crash(bench, repos, commit);
  }

  private constructor(bench: Bench, repos: string, commit: string) {
    this.bench = bench;
    this.#repos = repos;
    this.#commit = commit;
  }

  /** Enqueues the job, and starts the manager. */
  enqueue(job: JobDescriptionInput): EmbeddedJob {
    const enqueued = this.bench.coordinator.enqueue(this.#described(job));
    this.bench.start();
    return enqueued;
  }

  /** Enqueues another job of the same project. */
  next(job: JobDescriptionInput): EmbeddedJob {
    return this.bench.coordinator.enqueue(this.#described(job));
  }

  async kill(): Promise<void> {
    this.bench.process.signal("SIGKILL");
    await this.bench.process.exited();
    // A new process knows nothing of the last request, and asks at once.
    await Bun.sleep(CHECK_INTERVAL_MS);
  }

  /** Names of the records of jobs. */
  records(): string[] {
    return existsSync(this.#jobs) ? readdirSync(this.#jobs) : [];
  }

  get #jobs(): string {
    return join(this.bench.process.dir, ".runner_state/config.toml/0/jobs");
  }

  /** Whether the manager has kept this line of a job: one that it has not read yet dies with it. */
  hasPrinted(line: string): boolean {
    const trace = (name: string) => join(this.#jobs, name, "trace.log");
    return this.records().some((name) =>
      existsSync(trace(name)) && readFileSync(trace(name), "utf8").split("\n").includes(line)
    );
  }

  /** Command lines of the bench's processes, the manager aside, that contain `text`. */
  processes(text = ""): string[] {
    const { dir, pid } = this.bench.process;
    return readdirSync("/proc").map(Number).filter((each) => each > 0 && each !== pid)
      .flatMap((each) => {
        try {
          if (!readFileSync(`/proc/${each}/environ`, "utf8").includes(`TMPDIR=${dir}\0`)) return [];
          return readFileSync(`/proc/${each}/cmdline`, "utf8").replaceAll("\0", " ");
        } catch {
          return [];
        }
      })
      .filter((line) => line.includes(text) && !line.startsWith("sh -c"));
  }

  /** The new manager answers for the job, whose log has what it printed and why it failed. */
  async expectFailedAfterStart(job: EmbeddedJob, prints: readonly string[]): Promise<void> {
    this.bench.start();
    await this.bench.expectDelivered(job, { ...SYSTEM_FAILURE, prints });
    expect((await job.trace.text()).trimEnd()).toEndWith(`${WHY}\x1b[0;m`);
    await this.expectNothingLeft();
  }

  /** Nothing of the job is left, and the next one runs in the same checkout. */
  async expectNothingLeft(): Promise<void> {
    const { process } = this.bench;
    expect(this.processes()).toEqual([]);
    const stateDir = join(process.dir, ".runner_state/config.toml/0");
    await eventually(() => this.records().length === 0, "the record of the job is gone");
    expect(readdirSync(stateDir).sort()).toEqual(["jobs", "lock"]);
    expect(this.#files().filter((path) => path.includes("project.tmp/"))).toEqual([]);
    const next = this.next({ script: ["cat README", "pwd"] });
    const checkout = this.#files().find((path) => path.endsWith("/project/.git"));
    await this.bench.expectDelivered(next, { prints: ["a readme"] });
    if (checkout !== undefined) {
      expect(await next.trace.text()).toContain(checkout.replace(/\/\.git$/, "\n"));
    }
    this.bench.expectNoFindings();
  }

  #files(): string[] {
    const root = join(this.bench.process.dir, "builds");
    return readdirSync(root, { recursive: true }).map((path) => join(root, String(path)));
  }

  #described(job: JobDescriptionInput): JobDescriptionInput {
    return {
      ...job,
      repository: { path: "group/project", sha: this.#commit },
      variables: {
        FF_TIMESTAMPS: "false",
        SECRET_FILE: { value: "top secret", file: true },
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bench[Symbol.asyncDispose]();
    rmSync(this.#repos, { recursive: true, force: true });
  }
}

/** Makes a bare repository with one commit on `main`, and names that. */
function makeRepository(path: string): string {
  mkdirSync(path, { recursive: true });
  const script = `
    git init -q --bare -b main .
    blob=$(echo "a readme" | git hash-object -w --stdin)
    tree=$(printf '100644 blob %s\\tREADME\\n' $blob | git mktree)
    commit=$(echo first | git -c user.name=a -c user.email=a@b commit-tree $tree)
    git update-ref refs/heads/main $commit
    echo $commit
  `;
  const made = Bun.spawnSync(["sh", "-ec", script], { cwd: path });
  if (made.exitCode !== 0) throw new Error(made.stderr.toString());
  return made.stdout.toString().trim();
}
