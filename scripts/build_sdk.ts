/** `bun scripts/build_sdk.ts [DIRECTORY]`: the TypeScript SDK as a package, in dist/sdk by default. */

import type { BunPlugin } from "bun";
import { cpSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { basename, join, resolve } from "node:path";

const ROOT = join(import.meta.dirname, "..");
const SOURCE = join(ROOT, "sdk/typescript");

/** Modules of the core that Node cannot run are taken from sdk/typescript/node, by their names. */
const ofNode: BunPlugin = {
  name: "of-node",
  setup({ onResolve }) {
    onResolve({ filter: /\/\w+\.ts$/ }, ({ path, importer }) => {
      const own = join(SOURCE, "node", basename(path));
      const isCore = importer.startsWith(join(ROOT, "core"));
      return isCore && existsSync(own) ? { path: own } : undefined;
    });
  },
};

await buildSdk(resolve(process.argv[2] ?? join(ROOT, "dist/sdk")));

/** One file of code for each runtime, with the types they came from beside them. Replaces what was there. */
async function buildSdk(directory: string): Promise<void> {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const common = { outdir: directory, external: ["zod"] };
  const builds = [
    await Bun.build({ ...common, entrypoints: [join(SOURCE, "mod.ts")], target: "bun" }),
    await Bun.build({
      ...common,
      entrypoints: [join(SOURCE, "node/mod.ts")],
      naming: "node.js",
      target: "node",
      plugins: [ofNode],
    }),
  ];
  for (const { success, logs } of builds) {
    if (!success) throw new AggregateError(logs, "Cannot build the SDK");
  }
  const tsc = Bun.spawnSync([
    join(ROOT, "node_modules/.bin/tsc"),
    "--project",
    join(SOURCE, "tsconfig.json"),
    "--outDir",
    join(directory, "types"),
  ], { stdout: "inherit", stderr: "inherit" });
  if (tsc.exitCode !== 0) throw new Error("Cannot write the SDK's types");
  for (const name of ["package.json", "README.md"]) {
    cpSync(join(SOURCE, name), join(directory, name));
  }
  cpSync(join(ROOT, "LICENSE"), join(directory, "LICENSE"));
}
