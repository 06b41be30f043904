/**
 * `bun scripts/startup_profile.ts`: runs `dist/runner` in the ways it is mostly run, and writes
 * `scripts/startup.order`: what they use, for `compile.ts` to place it side by side in the executable.
 * An old profile still serves: what has changed since stands behind what it names.
 */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Lab } from "./bench/lab.ts";
import { withRepository } from "./bench/repository.ts";
import { checkEnvironment, runCommand } from "./gate/command.ts";

const ROOT = join(import.meta.dirname, "..");
const RUNNER = join(ROOT, "dist/runner");
const PROFILE = join(ROOT, "scripts/startup.order");

/** Functions and modules; single keys and strings are ten times as many and bring little. */
const KEPT_LINES = /^[FM] /;

const scratch = mkdtempSync(join(tmpdir(), "startup-profile-"));
try {
  // The most common first: a manager, what its jobs call, `exec`.
  await manager();
  await helpers();
  await exec();
  const profiles = ["manager", "archiver", "extractor", "exec"].map((name) =>
    readFileSync(recorded(name), "latin1").split("\n")
  );
  const [version = ""] = profiles[0] ?? [];
  const lines = new Set(profiles.flat().filter((line) => KEPT_LINES.test(line)));
  writeFileSync(PROFILE, `${[version, ...lines].join("\n")}\n`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

async function manager(): Promise<void> {
  const executable = join(scratch, "recording-runner");
  const recording = `BUN_BYTECODE_ORDER_OUT='${recorded("manager")}'`;
  writeFileSync(executable, `#!/bin/sh\n${recording} exec '${RUNNER}' "$@"\n`, { mode: 0o755 });
  await using lab = await Lab.open({ executable, scratch });
  const job = await withRepository(lab);
  const up = await lab.run({ ...job, artifacts: [{ paths: ["file-1.txt"], when: "on_success" }] });
  await lab.run({ ...job, dependencies: [up.id] });
}

async function helpers(): Promise<void> {
  const cwd = folder("helpers");
  writeFileSync(join(cwd, "data"), "data\n");
  const archive = ["--file", "made/cache.zip"];
  await run([RUNNER, "cache-archiver", ...archive, "--path", "data"], { cwd, record: "archiver" });
  await run([RUNNER, "cache-extractor", ...archive], { cwd, record: "extractor" });
}

async function exec(): Promise<void> {
  const cwd = folder("exec");
  writeFileSync(join(cwd, ".gitlab-ci.yml"), "job:\n  script: ['true']\n");
  const identity = ["-c", "user.name=profile", "-c", "user.email=profile@example.com"];
  await run(["git", "init", "--quiet"], { cwd });
  await run(["git", "add", "."], { cwd });
  await run(["git", ...identity, "commit", "--quiet", "--message=one"], { cwd });
  await run([RUNNER, "exec"], { cwd, record: "exec" });
}

async function run(
  argv: readonly string[],
  { cwd, record }: { readonly cwd: string; readonly record?: string },
): Promise<void> {
  const recording = record === undefined ? {} : { BUN_BYTECODE_ORDER_OUT: recorded(record) };
  const env = { ...checkEnvironment(process.env), HOME: scratch, ...recording };
  const { exitCode, output } = await runCommand(argv, { cwd, env });
  if (exitCode !== 0) throw new Error(`"${argv.join(" ")}" ended with ${exitCode}:\n${output}`);
}

function recorded(name: string): string {
  return join(scratch, `${name}.order`);
}

function folder(name: string): string {
  const path = join(scratch, name);
  mkdirSync(path);
  return path;
}
