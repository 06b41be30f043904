/** Answers about files of other places, in GitLab's words and in the shape that reading asks for. */

import type { FetchedFile } from "../../pipeline/ci_source.ts";
import { type ComponentAddress, isVersion } from "./component_address.ts";

/** GitLab's words for a path that a project does not have. */
export function noFile(
  { project, path }: { readonly project: string; readonly path: string },
): string {
  return `Project \`${project}\` file \`${path}\` does not exist!`;
}

export function missing(message: string): FetchedFile {
  return { kind: "missing", message };
}

export function componentFile(
  { project, name, reference }: ComponentAddress,
  { text, version, commit }: { text: string; version: string; commit: string },
): FetchedFile {
  return {
    kind: "found",
    text,
    project: { project, ref: version },
    component: {
      name,
      sha: commit,
      version: isVersion(version) ? version : undefined,
      reference,
    },
  };
}
