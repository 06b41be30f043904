/** `bun scripts/build_sdk.ts [DIRECTORY]`: the TypeScript SDK as a package, in dist/sdk by default. */

import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";

const ROOT = join(import.meta.dirname, "..");
const SOURCE = join(ROOT, "sdk/typescript");

await buildSdk(resolve(process.argv[2] ?? join(ROOT, "dist/sdk")));

/** One file of code, with the types it came from beside it. Replaces what was there. */
async function buildSdk(directory: string): Promise<void> {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const built = await Bun.build({
    entrypoints: [join(SOURCE, "mod.ts")],
    outdir: directory,
    target: "bun",
    external: ["zod"],
  });
  if (!built.success) throw new AggregateError(built.logs, "Cannot build the SDK");
  const tsc = Bun.spawnSync([
    join(ROOT, "node_modules/.bin/tsc"),
    "--project",
    join(SOURCE, "tsconfig.json"),
    "--outDir",
    join(directory, "types"),
  ], { stdout: "inherit", stderr: "inherit" });
  if (tsc.exitCode !== 0) throw new Error("Cannot write the SDK's types");
  cpSync(join(SOURCE, "package.json"), join(directory, "package.json"));
  cpSync(join(ROOT, "LICENSE"), join(directory, "LICENSE"));
}
