/** One entry of `volumes`: a mount of the engine's host, or a path that the runner manages. Pure. */

import { posix } from "node:path";
import { JobConfigurationError } from "../../core/errors.ts";

export type VolumeSpec =
  | {
    readonly kind: "bind";
    /** Where it is in containers. */
    readonly target: string;
    /** As `docker run -v` takes it. */
    readonly bind: string;
  }
  | { readonly kind: "managed"; readonly target: string };

/** What Docker and podman take behind the second colon. */
const MODES =
  /^(?:r[ow]|O|U|z|Z|r?(?:shared|slave|private)|nocopy|consistent|cached|delegated|(?:no)?(?:exec|dev|suid))$/;

/**
 * Reads `/path` or `source:/path[:mode]`; the source is a directory of the host or a volume's name.
 * Variables count in the path alone: a job could set one in the source to any directory of the host.
 * Throws JobConfigurationError.
 */
export function parseVolume(text: string, expand: (text: string) => string): VolumeSpec {
  const [first = "", second, ...modes] = text.split(":");
  const target = expand(second ?? first);
  const isSource = second === undefined || /^(?:\/[^\\]*|[^/\\]+)$/.test(first);
  const isMode = modes.every((mode) => mode.split(",").every((word) => MODES.test(word)));
  if (!isSource || !isMode || !/^\/[^:\\\0\r\n]*$/.test(target)) {
    throw invalid(
      `invalid volume specification: "${text}", where "/path" or "source:/path[:mode]" is meant`,
    );
  }
  if (posix.normalize(target) === "/") {
    throw invalid(`"${text}" stands for the root directory, which cannot be a volume`);
  }
  if (second === undefined) return { kind: "managed", target };
  return { kind: "bind", target, bind: [first, target, ...joined(modes)].join(":") };
}

/** GitLab Runner takes modes apart by colons also; engines do by commas alone. */
function joined(modes: readonly string[]): readonly string[] {
  return modes.length === 0 ? [] : [modes.join(",")];
}

function invalid(what: string): JobConfigurationError {
  return new JobConfigurationError(`[runners.docker] volumes: ${what}`);
}
