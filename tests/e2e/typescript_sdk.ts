/** The SDK's package where a plugin in TypeScript finds it. */

import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { output } from "./lab.ts";

const ROOT = join(import.meta.dir, "../..");

/** What `bun add` of the package does, with dependencies from here instead of a registry. */
export async function installSdk(directory: string): Promise<void> {
  const packages = join(directory, "node_modules");
  mkdirSync(packages);
  const sdk = join(packages, "runner-plugin-sdk");
  await output([process.execPath, join(ROOT, "scripts/build_sdk.ts"), sdk]);
  for (const name of ["zod", "@types", "bun-types"]) {
    symlinkSync(join(ROOT, "node_modules", name), join(packages, name));
  }
}
