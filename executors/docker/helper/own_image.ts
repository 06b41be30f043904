/** Helper images: what they are called, and how one with this executable is known. */

import { buildInfo } from "../../../core/version.ts";
import type { ImageDetails, Labels } from "../engine/mod.ts";
import { LABEL_PREFIX } from "../names.ts";

/** The flavor whose name GitLab Runner leaves out. */
export const DEFAULT_FLAVOR = "alpine";

const PROGRAM_LABEL = `${LABEL_PREFIX}.helper.program`;

/** As GitLab Runner tags its own: `gitlab-runner-helper:ubuntu-x86_64-v19.4.0`. */
export function ownHelperImage(options: { architecture: string; flavor: string }): string {
  const { flavor, architecture } = options;
  const prefix = flavor === "" || flavor === DEFAULT_FLAVOR ? "" : `${flavor}-`;
  const arch = goArchitecture(architecture);
  return `gitlab-runner-helper:${prefix}${
    arch === "amd64" ? "x86_64" : arch
  }-v${buildInfo.version}`;
}

/**
 * GitLab Runner's own, with git and without this very executable: for jobs whose image lacks git where
 * no other is to be had.
 */
export function gitlabHelperImage(options: { architecture: string; flavor: string }): string {
  return `registry.gitlab.com/gitlab-org/gitlab-runner/${ownHelperImage(options)}`;
}

/** What says that an image has the executable of this very build. */
export function programLabel(): Labels {
  return { [PROGRAM_LABEL]: `${buildInfo.version}-${buildInfo.revision}` };
}

/** Whether `helper-image build` made it, in whichever version. */
export function isHelperImage(image: ImageDetails): boolean {
  return image.labels[PROGRAM_LABEL] !== undefined;
}

/** A build from changed sources cannot be told from another, and is never taken for the same. */
export function hasThisProgram(image: ImageDetails): boolean {
  return buildInfo.revision !== "HEAD" &&
    image.labels[PROGRAM_LABEL] === programLabel()[PROGRAM_LABEL];
}

/** Docker's word for a processor in Go's words. */
export function goArchitecture(architecture: string): string {
  const names: Readonly<Record<string, string>> = { x86_64: "amd64", aarch64: "arm64" };
  return names[architecture] ?? architecture;
}
