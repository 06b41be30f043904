/** Artifacts and caches: many small files, and a large one. */

import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { Benchmark, MeasureOptions } from "../benchmark.ts";
import type { JobDescriptionInput } from "../../../core/embedded/mod.ts";
import { jobMs, Lab } from "../lab.ts";
import { randomText } from "../random_text.ts";

const SMALL_FILES = 20_000;
const FILES_PER_DIRECTORY = 100;
const LARGE_FILE_BYTES = 500e6;

/** What gitlab-runner 19.4 took on a machine of the same class, and which part of it is ours. */
const SMALL_ARTIFACTS = { gitlabRunnerSeconds: 4.4, share: 0.6 };
const LARGE_ARTIFACT = { gitlabRunnerSeconds: 3.8, share: 0.6 };
const CACHE = { gitlabRunnerSeconds: 24, share: 0.3 };

export const smallArtifacts: Benchmark = {
  name: "artifacts",
  runs: 3,
  quantities: [
    { what: "artifacts, 20,000 files, up and down", unit: "s", goal: goalOf(SMALL_ARTIFACTS) },
  ],
  measure: (options) => artifactRuns(options, writeSmallFiles),
};

export const largeArtifact: Benchmark = {
  name: "artifact",
  runs: 3,
  quantities: [
    { what: "artifact, a file of 500 MB, up and down", unit: "s", goal: goalOf(LARGE_ARTIFACT) },
  ],
  measure: (options) => artifactRuns(options, writeLargeFile),
};

export const cache: Benchmark = {
  name: "cache",
  runs: 3,
  quantities: [{ what: "cache, 20,000 files, save and restore", unit: "s", goal: goalOf(CACHE) }],
  async *measure({ executable, runs, scratch }) {
    for (let run = 0; run < runs; run++) {
      await using lab = await Lab.open({ executable, scratch });
      const data = await dataDirectory(lab);
      const files = writeSmallFiles(data);
      const save = await lab.run(withCache("push"));
      putAside(data);
      const restore = await lab.run(withCache("pull"));
      expectFiles(data, files);
      yield [(jobMs(save) + jobMs(restore)) / 1000];
    }
  },
};

const NO_OP: JobDescriptionInput = { script: "true", variables: { GIT_STRATEGY: "none" } };

async function* artifactRuns(
  { executable, runs, scratch }: MeasureOptions,
  write: (directory: string) => number,
) {
  for (let run = 0; run < runs; run++) {
    await using lab = await Lab.open({ executable, scratch });
    const data = await dataDirectory(lab);
    const files = write(data);
    const up = await lab.run({ ...NO_OP, artifacts: [{ paths: ["data/"], when: "on_success" }] });
    putAside(data);
    const down = await lab.run({ ...NO_OP, dependencies: [up.id] });
    expectFiles(data, files);
    yield [(jobMs(up) + jobMs(down)) / 1000];
  }
}

function withCache(policy: "push" | "pull"): JobDescriptionInput {
  return { ...NO_OP, cache: [{ key: "bench", paths: ["data/"], policy, when: "on_success" }] };
}

/** The folder `data` of the project that the lab's jobs have their work in. */
async function dataDirectory(lab: Lab): Promise<string> {
  const told = join(lab.directory, "project");
  await lab.run({ ...NO_OP, script: `printf %s "$CI_PROJECT_DIR" > '${told}'` });
  return join(readFileSync(told, "utf8"), "data");
}

/** Text of 500 bytes to 4 KB a file, which compresses as sources do. */
function writeSmallFiles(directory: string): number {
  const text = randomWords(20_000);
  for (let file = 0; file < SMALL_FILES; file++) {
    const parent = join(directory, String(Math.floor(file / FILES_PER_DIRECTORY)));
    if (file % FILES_PER_DIRECTORY === 0) mkdirSync(parent, { recursive: true });
    const start = Math.floor(Math.random() * 100_000);
    const length = 500 + Math.floor(Math.random() * 3500);
    writeFileSync(join(parent, `${file}.txt`), text.slice(start, start + length));
  }
  return SMALL_FILES;
}

/** Words of a small dictionary in random order: compresses as logs and sources do. */
function writeLargeFile(directory: string): number {
  mkdirSync(directory, { recursive: true });
  const block = Buffer.from(randomWords(1_000_000));
  const fd = openSync(join(directory, "large.txt"), "w");
  for (let written = 0; written < LARGE_FILE_BYTES;) {
    // Another order each time, or the whole file would compress to its first block.
    const start = Math.floor(Math.random() * block.length);
    written += writeSync(fd, Buffer.concat([block.subarray(start), block.subarray(0, start)]));
  }
  closeSync(fd);
  return 1;
}

function randomWords(count: number): string {
  const words = Array.from({ length: 500 }, () => randomText(3 + Math.floor(Math.random() * 8)));
  const word = () => words[Math.floor(Math.random() * words.length)];
  return Array.from({ length: count }, word).join(" ");
}

/**
 * Not removed: for some seconds after thousands of files were, ext4 takes many times longer to make
 * new ones, whoever makes them.
 */
function putAside(directory: string): void {
  renameSync(directory, `${directory}.aside`);
}

function expectFiles(directory: string, expected: number): void {
  const found = readdirSync(directory, { recursive: true, withFileTypes: true });
  const count = found.filter((entry) => entry.isFile()).length;
  if (count !== expected) throw new Error(`${count} of ${expected} files came back`);
}

function goalOf(measured: { gitlabRunnerSeconds: number; share: number }): number {
  return Number((measured.gitlabRunnerSeconds * measured.share).toFixed(2));
}
