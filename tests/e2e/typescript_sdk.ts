/** The SDK's package where a plugin in TypeScript finds it. */

import { mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { output } from "./lab.ts";

const ROOT = join(import.meta.dir, "../..");

/** Installs what would be published, with dependencies from here instead of a registry. */
export async function installSdk(directory: string): Promise<void> {
  const packages = join(directory, "node_modules");
  const built = join(packages, "built");
  mkdirSync(packages);
  await output([process.execPath, join(ROOT, "scripts/build_sdk.ts"), built]);
  await output(["npm", "pack", "--silent", "--pack-destination", packages, built]);
  const archive = readdirSync(packages).find((name) => name.endsWith(".tgz")) ?? "";
  await output(["tar", "-xzf", join(packages, archive), "-C", packages]);
  renameSync(join(packages, "package"), join(packages, "runner-plugin-sdk"));
  rmSync(built, { recursive: true });
  for (const name of ["zod", "@types", "bun-types"]) {
    symlinkSync(join(ROOT, "node_modules", name), join(packages, name));
  }
}
