/** What the build container runs. Pure. */

import type { ImageDetails } from "./engine/mod.ts";
import { KEEPER, stageCommand } from "./scripts.ts";

export interface BuildProgram {
  /** As of a JobContainer. */
  readonly mode: "kept" | "script";
  /** Undefined: the image's own. */
  readonly entrypoint: readonly string[] | undefined;
  readonly command: readonly string[] | undefined;
  /** It is the image's and not ours, so that it may want to know of the job. */
  readonly isForeign: boolean;
}

/**
 * A shell that waits, beside which stages are started; where there is an entrypoint, a script for each
 * start; or the image's own program (`runsOwnProgram`).
 */
export function buildProgram(
  image: ImageDetails,
  options: { readonly entrypoint: readonly string[]; readonly runsOwnProgram: boolean },
): BuildProgram {
  const { entrypoint, runsOwnProgram } = options;
  if (runsOwnProgram) {
    // With an entrypoint that is named, the engine forgets the image's command.
    const named = entrypoint === image.entrypoint ? undefined : entrypoint;
    return { mode: "kept", entrypoint: named, command: undefined, isForeign: true };
  }
  if (entrypoint.length === 0) {
    return { mode: "kept", entrypoint: KEEPER, command: [], isForeign: false };
  }
  const command = stageCommand({ shell: undefined, ownProcesses: false });
  return { mode: "script", entrypoint, command, isForeign: true };
}
