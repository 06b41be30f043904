/** This executable, and those beside it for other platforms. */

import { dirname, join } from "node:path";
import { goPlatform } from "../version.ts";

/** Operating system and processor in Go's words. */
export interface Platform {
  readonly os: string;
  readonly arch: string;
}

/**
 * Where the program for `platform` is or should be: `own`, when that is for it, or the file beside it
 * that has the name which `scripts/build.sh` gives it.
 */
export function executableFor(own: string, { os, arch }: Platform): string {
  const here = goPlatform();
  if (os === here.os && arch === here.arch) return own;
  return join(dirname(own), `runner-${os}-${arch === "amd64" ? "x64" : arch}`);
}
