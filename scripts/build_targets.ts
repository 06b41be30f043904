/** The platforms an executable is built for. */

export interface BuildTarget {
  /** Name on the command line and in the file's name: `linux-x64-musl`. */
  readonly name: string;
  /** Bun's name of the same platform. */
  readonly bun: string;
  /** Path below `dist/`. */
  readonly file: string;
}

const PLATFORMS = [
  "linux-x64",
  "linux-arm64",
  "linux-x64-musl",
  "linux-arm64-musl",
  "darwin-x64",
  "darwin-arm64",
  "windows-x64",
  "windows-arm64",
  "freebsd-x64",
] as const;

export const BUILD_TARGETS: readonly BuildTarget[] = PLATFORMS.map((name) => ({
  name,
  bun: `bun-${name}`,
  file: `runner-${name}${name.startsWith("windows-") ? ".exe" : ""}`,
}));

/** The targets that a command line asks for; no argument is this machine, as `undefined`. */
export function parseTargets(
  names: readonly string[],
): readonly BuildTarget[] | undefined {
  if (names.length === 0) return undefined;
  if (names.includes("all")) return BUILD_TARGETS;
  return names.map((name) => {
    const target = BUILD_TARGETS.find((candidate) => candidate.name === name);
    if (target === undefined) {
      throw new Error(
        `Unknown target "${name}": use all, ${PLATFORMS.join(", ")}`,
      );
    }
    return target;
  });
}
