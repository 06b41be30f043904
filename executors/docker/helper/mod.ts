/** Door of the helper: its image, its executable, and whether both do. */

export {
  DEFAULT_FLAVOR,
  gitlabHelperImage,
  hasThisProgram,
  isHelperImage,
  ownHelperImage,
  programLabel,
} from "./own_image.ts";
export {
  HELPER_CHECK,
  HELPER_PROBE,
  HELPER_UNUSABLE,
  probeFailure,
  SOURCES_CHECK,
} from "./probe.ts";
export {
  HELPER_COMMAND,
  HELPER_DIRECTORY,
  helperProgram,
  programAt,
  programTar,
} from "./program.ts";
export { type HelperMount, HelperVolume } from "./volume.ts";
