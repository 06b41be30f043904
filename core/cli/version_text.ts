/** What `--version` prints. */

import { type BuildInfo, goPlatform } from "../version.ts";

/** GitLab Runner's six lines, which scripts read by their labels, and our own release. */
export function versionText(build: BuildInfo): string {
  const { os, arch } = goPlatform();
  const lines = [
    ["Version", build.version],
    ["Git revision", build.revision],
    ["Git branch", build.branch],
    ["GO version", `bun${Bun.version}`],
    ["Built", build.builtAt],
    ["OS/Arch", `${os}/${arch}`],
    ["Release", build.release],
  ] as const;
  return lines.map(([label, value]) => `${`${label}:`.padEnd(14)}${value}\n`).join("");
}
