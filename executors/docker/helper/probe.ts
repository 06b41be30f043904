/** Whether a helper container can do its work, and what to do when it cannot. */

import { SystemFailure } from "../../../core/errors.ts";
import { HELPER_COMMAND, HELPER_DIRECTORY, MARK } from "./program.ts";

/** How a stage ends that a check in front of it has kept from running. */
export const HELPER_UNUSABLE = 93;

const HAS_ALL = `command -v git >/dev/null && [ -e ${HELPER_DIRECTORY}/${MARK} ]`;
const STARTS = `${HELPER_COMMAND.join(" ")} --version >/dev/null 2>&1`;

/**
 * Shell code in front of a helper's stages: a process of its own would take far longer. Sources are
 * git's work; whether this executable starts is a question of ten milliseconds for later stages.
 */
export const SOURCES_CHECK = `${HAS_ALL} || exit ${HELPER_UNUSABLE}`;
export const HELPER_CHECK = `${HAS_ALL} && ${STARTS} || exit ${HELPER_UNUSABLE}`;

/** Prints a word per thing that is missing in a helper container. */
export const HELPER_PROBE: readonly string[] = [
  "sh",
  "-c",
  [
    "command -v git >/dev/null || echo git",
    `[ -e ${HELPER_DIRECTORY}/${MARK} ] || echo executable`,
    `${HELPER_COMMAND.join(" ")} --version >/dev/null 2>&1 || echo start`,
  ].join("\n"),
];

const REMEDY = 'Make a helper image with "runner helper-image build", or name an image that has ' +
  'it as "helper_image" in [runners.docker]';

/** What to do about what the probe found missing; undefined: nothing is. */
export function probeFailure(
  answer: { readonly code: number; readonly text: string },
  helper: { readonly image: string; readonly isJobImage: boolean },
): SystemFailure | undefined {
  const missing = answer.text.split("\n");
  const which = helper.isJobImage
    ? `No helper_image is configured, and the job's own image "${helper.image}"`
    : `The helper image "${helper.image}"`;
  if (answer.code !== 0) return new SystemFailure(`${which} has no usable shell: ${answer.text}`);
  if (missing.includes("git")) return new SystemFailure(`${which} has no git. ${REMEDY}`);
  if (missing.includes("executable")) {
    return new SystemFailure(
      `${HELPER_DIRECTORY} of helper containers is incomplete: remove the volumes whose names ` +
        'begin with "runner-helper-"',
    );
  }
  if (missing.includes("start")) {
    return new SystemFailure(
      `${which} cannot run this executable: it has no C library for it, and this host has none ` +
        "of that processor to lend. Use an image with the GNU C library",
    );
  }
  return undefined;
}
