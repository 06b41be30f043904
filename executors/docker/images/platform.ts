/** Platforms of images, as `docker run --platform` names them. */

import type { ImageDetails } from "../engine/mod.ts";

/** Other names of architectures that users write. */
const ALIASES: Readonly<Record<string, string>> = {
  x86_64: "amd64",
  "x86-64": "amd64",
  aarch64: "arm64",
  i386: "386",
  i686: "386",
};

/**
 * Whether `image` is for `platform` (`linux/arm64/v8`, `linux` or `arm64`). The variant is left to
 * the engine: images do not tell theirs in one way.
 */
export function matchesPlatform(
  image: Pick<ImageDetails, "os" | "architecture">,
  platform: string | undefined,
): boolean {
  if (platform === undefined || platform === "") return true;
  const [first = "", second] = platform.toLowerCase().split("/");
  if (second !== undefined) return first === image.os && sameArchitecture(second, image);
  return first === image.os || sameArchitecture(first, image);
}

/** What a processor of each architecture runs by itself. */
const RUNS: Readonly<Record<string, readonly string[]>> = {
  amd64: ["amd64", "386"],
  arm64: ["arm64", "arm"],
};

/**
 * Why an image's programs may not run on an engine's machine (`x86_64`, `aarch64`); undefined: nothing
 * speaks against it.
 */
export function foreignTo(
  machine: string,
  image: Pick<ImageDetails, "os" | "architecture">,
): string | undefined {
  const own = ALIASES[machine] ?? machine;
  const runs = RUNS[own];
  if (image.architecture === "" || runs === undefined || runs.includes(image.architecture)) {
    return undefined;
  }
  return `it is for ${image.os}/${image.architecture}, and the engine's machine is ${own}`;
}

function sameArchitecture(wanted: string, image: Pick<ImageDetails, "architecture">): boolean {
  return (ALIASES[wanted] ?? wanted) === image.architecture;
}
