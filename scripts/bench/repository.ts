/** What jobs with sources fetch. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { JobDescriptionInput } from "../../core/embedded/mod.ts";
import type { Lab } from "./lab.ts";

const PROJECT = "local/sample";
const COMMITS = 5;
const FILES = 40;

/** A small project with a few commits, and a job on its last one. */
export async function withRepository(lab: Lab): Promise<JobDescriptionInput> {
  const work = join(lab.directory, "sources");
  const bare = join(lab.reposRoot, `${PROJECT}.git`);
  mkdirSync(work);
  await git(work, "init", "--quiet", "--initial-branch=main");
  for (let commit = 1; commit <= COMMITS; commit++) {
    for (let file = 1; file <= FILES; file++) {
      writeFileSync(join(work, `file-${file}.txt`), `commit ${commit}\n`.repeat(file));
    }
    await git(work, "add", ".");
    await git(work, "commit", "--quiet", `--message=Commit ${commit}`);
  }
  const sha = await git(work, "rev-parse", "HEAD");
  await git(work, "clone", "--quiet", "--bare", work, bare);
  return { script: "true", repository: { path: PROJECT, sha } };
}

async function git(cwd: string, ...args: string[]): Promise<string> {
  const identity = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"];
  const child = Bun.spawn(["git", ...identity, ...args], {
    cwd,
    stdout: "pipe",
    stderr: "inherit",
  });
  const [text, code] = await Promise.all([child.stdout.text(), child.exited]);
  if (code !== 0) throw new Error(`"git ${args.join(" ")}" ended with exit code ${code}`);
  return text.trim();
}
