/** Random damage to CI files: reading gives a configuration or names problems, and soon. */

import { expect, test } from "bun:test";
import type { CiSource } from "../../core/pipeline/ci_source.ts";
import { CiConfigError } from "../../core/pipeline/place.ts";
import { readConfig } from "../../core/pipeline/read_config.ts";
import { loadCases } from "../core/pipeline/case_file.ts";
import { randomNumbers } from "./random.ts";

const ROUNDS = 4000;
/** Far more than any small file takes, also on a busy machine. */
const LONGEST_MS = 2000;
const PIECES = [
  "&a ",
  "*a",
  "<<: *a",
  "!reference [",
  "$[[ inputs.a | ",
  "---\n",
  "- ",
  ": ",
  "{",
  "]",
];
const VALUES = [
  "extends: test",
  "include: .gitlab-ci.yml",
  "~",
  "[]",
  "{}",
  "1e9",
  "\t",
  "\u0000",
  "🎉",
];

const seeds = (await loadCases("reading")).map(({ files }) => files);

for (const seed of [1, 2, 3]) {
  test(`readConfig reads damaged files or names their problems (seed ${seed})`, async () => {
    const random = randomNumbers(seed);
    let refused = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const files = damaged(seeds[random(seeds.length)] ?? new Map(), random);
      const start = performance.now();
      if (await isRefused(files)) refused++;
      expect(performance.now() - start).toBeLessThan(LONGEST_MS);
    }
    // Damage that never matters would test nothing, nor damage that always does.
    expect(refused).toBeGreaterThan(ROUNDS / 10);
    expect(refused).toBeLessThan(ROUNDS);
  }, 120_000);
}

async function isRefused(files: ReadonlyMap<string, string>): Promise<boolean> {
  try {
    const config = await readConfig(sourceOf(files), {
      file: ".gitlab-ci.yml",
      variables: { A: "a" },
      inputs: {},
      signal: new AbortController().signal,
    });
    // What is made when it is asked for must not fail either.
    JSON.stringify(config.preview);
    return false;
  } catch (error) {
    if (!(error instanceof CiConfigError)) {
      throw new Error(`Failed on ${JSON.stringify([...files])}`, { cause: error });
    }
    return true;
  }
}

function sourceOf(files: ReadonlyMap<string, string>): CiSource {
  const text = (path: string): string | undefined => files.get(path);
  return {
    read: (path) => Promise.resolve(text(path)),
    files: () => [...files.keys()],
    changedFiles: () => undefined,
    fetch: () => Promise.resolve({ kind: "missing", message: "Content not found" }),
    filesOf: () => Promise.resolve([]),
  };
}

function damaged(
  files: ReadonlyMap<string, string>,
  random: (below: number) => number,
): ReadonlyMap<string, string> {
  const paths = [...files.keys()];
  const victim = paths[random(paths.length)];
  return new Map(
    [...files].map(([path, text]) => [path, path === victim ? damage(text, random) : text]),
  );
}

function damage(text: string, random: (below: number) => number): string {
  let result = text;
  for (let count = 1 + random(4); count > 0; count--) result = damageOnce(result, random);
  return result;
}

function damageOnce(text: string, random: (below: number) => number): string {
  const at = random(text.length + 1);
  const pick = (from: readonly string[]): string => from[random(from.length)] ?? "";
  const lines = text.split("\n");
  const line = random(lines.length);
  switch (random(7)) {
    case 0:
      return text.slice(0, at) + text.slice(at + 1 + random(5));
    case 1:
      return text.slice(0, at) + pick(PIECES) + text.slice(at);
    case 2:
      return lines.toSpliced(line, 1).join("\n");
    case 3:
      return lines.toSpliced(random(lines.length), 0, lines[line] ?? "").join("\n");
    case 4:
      return lines.with(line, `${" ".repeat(random(6))}${lines[line]?.trim()}`).join("\n");
    case 5:
      return lines.with(line, lines[line]?.replace(/: .*$/, `: ${pick(VALUES)}`) ?? "").join("\n");
    default:
      return text.slice(0, at) + String.fromCharCode(random(128)) + text.slice(at);
  }
}
