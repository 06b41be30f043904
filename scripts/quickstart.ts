/**
 * Runs a sample pipeline through `runner exec`, then one job through `runner coordinator` and
 * `runner run`, all of `dist/runner`, and shows their logs.
 */

import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkEnvironment, runCommand } from "./gate/command.ts";

const ROOT = join(import.meta.dirname, "..");
const RUNNER = join(ROOT, "dist/runner");
const PROJECT = "demo/hello";

/** Longer than any machine needs for one job of some milliseconds. */
const LIMIT_MS = 60_000;

const SCRIPT = [
  'echo "This is $CI_JOB_NAME of $CI_PROJECT_PATH, on $(uname -sm)"',
  "cat greeting.txt",
  'echo "The log never shows a masked variable: $DEMO_PASSWORD"',
  "tr a-z A-Z <greeting.txt >loud.txt",
];

/** Three jobs: one makes an artifact and a variable, the others get them side by side. */
const PIPELINE = `
stages: [build, test]
build:
  stage: build
  script:
    - tr a-z A-Z <greeting.txt >loud.txt
    - echo "LINES=$(wc -l <loud.txt)" >build.env
  artifacts:
    paths: [loud.txt]
    reports: {dotenv: build.env}
read:
  script: [cat loud.txt]
count:
  script: ['test "$LINES" -eq 1']
`;

interface DemoCoordinator {
  readonly url: string;
  readonly token: string;
}

interface Job {
  readonly id: number;
  readonly state: string;
  readonly artifacts: readonly { readonly filename: string; readonly size: number }[];
}

const scratch = await mkdtemp(join(tmpdir(), "runner-quickstart-"));
try {
  await runDemo();
} catch (error) {
  process.stderr.write(`quickstart: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
} finally {
  await rm(scratch, { recursive: true, force: true });
}

async function runDemo(): Promise<void> {
  await makeRepository();
  await runPipeline();
  await using demo = await startCoordinator();
  const { url, token } = demo;
  say(`coordinator listens on ${url}`);

  const config = join(scratch, "config.toml");
  await checked(
    [RUNNER, "register", "--non-interactive", "--config", config, "--url", url, "--token", token]
      .concat("--executor", "shell"),
  );
  const work = join(scratch, "work");
  await mkdir(work);
  await using _manager = startProcess(
    ["run", "--config", config, "--working-directory", work],
    "run.log",
  );
  say("runner run takes jobs from it");

  const job = await enqueue(url);
  say(`job ${job.id} is enqueued; this is its log as the coordinator receives it:\n`);
  await showLog(url, job.id);
  await report(url, job.id);
}

async function makeRepository(): Promise<void> {
  const source = join(scratch, "source");
  const bare = join(scratch, `repos/${PROJECT}.git`);
  const git = ["git", "-c", "user.name=demo", "-c", "user.email=demo@example.com", "-C", source];
  await Bun.write(join(source, "greeting.txt"), "hello from a git repository\n");
  await Bun.write(join(source, ".gitlab-ci.yml"), PIPELINE);
  await checked(["git", "init", "--quiet", "--initial-branch=main", source]);
  await checked([...git, "add", "."]);
  await checked([...git, "commit", "--quiet", "--message=Greet"]);
  await checked(["git", "clone", "--quiet", "--bare", source, bare]);
}

async function runPipeline(): Promise<void> {
  say("runner exec runs the pipeline of a repository on this machine:\n");
  const child = Bun.spawn([RUNNER, "exec", "--state-dir", join(scratch, "state")], {
    cwd: join(scratch, "source"),
    env: checkEnvironment(process.env),
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (await child.exited !== 0) throw new Error("The sample pipeline failed");
  process.stdout.write("\n");
}

async function startCoordinator(): Promise<DemoCoordinator & AsyncDisposable> {
  const args = [
    "coordinator",
    "--listen",
    "127.0.0.1:0",
    "--json",
    "--repos-dir",
    join(scratch, "repos"),
  ];
  const child = startProcess(args, "coordinator.log");
  const log = join(scratch, "coordinator.log");
  const deadline = Date.now() + LIMIT_MS;
  for (;;) {
    const line = (await readFile(log, "utf8")).match(/^.*\n/)?.[0];
    if (line !== undefined) return Object.assign(child, JSON.parse(line) as DemoCoordinator);
    if (Date.now() > deadline || child.hasExited()) {
      throw new Error(`The coordinator did not start:\n${await readFile(log, "utf8")}`);
    }
    await Bun.sleep(10);
  }
}

function startProcess(args: string[], log: string): AsyncDisposable & { hasExited(): boolean } {
  const output = Bun.file(join(scratch, log));
  const child = Bun.spawn([RUNNER, ...args], {
    cwd: scratch,
    env: checkEnvironment(process.env),
    stdin: "ignore",
    stdout: output,
    stderr: output,
  });
  return {
    hasExited: () => child.exitCode !== null,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.exited;
    },
  };
}

async function enqueue(url: string): Promise<Job> {
  const description = {
    name: "hello",
    script: SCRIPT,
    variables: { DEMO_PASSWORD: { value: "open-sesame-1234", masked: true } },
    repository: { path: PROJECT },
    artifacts: [{ name: "loud", paths: ["loud.txt"] }],
  };
  const response = await fetch(`${url}/api/jobs`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(description),
  });
  if (!response.ok) throw new Error(`The coordinator refused the job: ${await response.text()}`);
  return await response.json() as Job;
}

async function showLog(url: string, id: number): Promise<void> {
  const response = await fetch(`${url}/api/jobs/${id}/log?follow=1`, {
    signal: AbortSignal.timeout(LIMIT_MS),
  });
  for await (const chunk of response.body!) process.stdout.write(chunk);
}

async function report(url: string, id: number): Promise<void> {
  const job = await (await fetch(`${url}/api/jobs/${id}`)).json() as Job;
  const artifacts = job.artifacts.map(({ filename, size }) => `${filename} (${size} bytes)`).join(
    ", ",
  );
  process.stdout.write("\n");
  say(`job ${id}: ${job.state}; artifacts: ${artifacts || "none"}`);
  if (job.state !== "success") throw new Error(`The job ended as ${job.state}`);
}

async function checked(argv: readonly string[]): Promise<void> {
  const { exitCode, output } = await runCommand(argv, {
    cwd: scratch,
    env: checkEnvironment(process.env),
  });
  if (exitCode !== 0) {
    throw new Error(`"${argv.slice(0, 2).join(" ")}" ended with exit code ${exitCode}:\n${output}`);
  }
}

function say(text: string): void {
  process.stdout.write(`quickstart: ${text}\n`);
}
