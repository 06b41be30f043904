/** `bun scripts/build.ts [TARGET…]`: builds `dist/runner`, or `dist/runner-<os>-<arch>` for each target. */

import { stat } from "node:fs/promises";
import { join } from "node:path";
import manifest from "../package.json" with { type: "json" };
import { type BuildTarget, parseTargets } from "./build_targets.ts";
import { compile } from "./compile.ts";

const ROOT = join(import.meta.dirname, "..");

if (import.meta.main) {
  try {
    await build(parseTargets(process.argv.slice(2)));
  } catch (error) {
    process.stderr.write(`build: ${error instanceof Error ? error.message : error}\n`);
    process.exit(1);
  }
}

async function build(targets: readonly BuildTarget[] | undefined): Promise<void> {
  const define = await buildConstants();
  if (targets === undefined) return await buildOne("runner", define);
  for (const target of targets) await buildOne(target.file, define, target.bun);
}

async function buildOne(
  file: string,
  define: Readonly<Record<string, string>>,
  target?: string,
): Promise<void> {
  const started = performance.now();
  const outfile = join(ROOT, "dist", file);
  await compile({
    root: ROOT,
    entry: "main.ts",
    outfile,
    define,
    ...(target === undefined ? {} : { target }),
  });
  const megabytes = (await stat(outfile)).size / 1e6;
  const seconds = (performance.now() - started) / 1000;
  process.stdout.write(`dist/${file}  ${megabytes.toFixed(1)} MB  ${seconds.toFixed(1)} s\n`);
}

/**
 * What `core/version.ts` declares. The time is the commit's, not the clock's, so that one commit
 * always builds the same bytes; a tree that is no git checkout builds with `HEAD` and the epoch.
 */
async function buildConstants(): Promise<Record<string, string>> {
  const [revision = "", seconds = ""] = (await git("log", "-1", "--format=%h %ct", "--abbrev=8"))
    .split(" ");
  const branch = await git("rev-parse", "--abbrev-ref", "HEAD");
  return {
    BUILD_REVISION: revision === "" ? "HEAD" : revision,
    BUILD_BRANCH: branch === "" ? "HEAD" : branch,
    BUILD_TIME: new Date(Number(seconds) * 1000).toISOString().replace(".000Z", "Z"),
    BUILD_RELEASE: manifest.version,
  };
}

/** What git answers, or nothing: sources unpacked from an archive have no git to ask. */
async function git(...args: string[]): Promise<string> {
  try {
    const child = Bun.spawn(["git", ...args], { cwd: ROOT, stdout: "pipe", stderr: "ignore" });
    const [text, code] = await Promise.all([child.stdout.text(), child.exited]);
    return code === 0 ? text.trim() : "";
  } catch {
    return "";
  }
}
