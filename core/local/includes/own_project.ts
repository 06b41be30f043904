/** Files that are named as another project's and are the own one's. */

import type { CiSource, FetchedFile, FileElsewhere } from "../../pipeline/ci_source.ts";
import { componentPaths, parseComponentAddress } from "./component_address.ts";
import { componentFile, missing, noFile } from "./fetched_file.ts";

/** The project that is worked on: at its own commit, its files are those of the working tree. */
export interface OwnProject extends Pick<CiSource, "read" | "files"> {
  readonly path: string;
  /** As `$CI_COMMIT_SHA` says it. */
  readonly commit: string;
}

/**
 * A project that tests its own components includes them at the commit that is worked on, which no
 * server needs to know. Undefined: the file is another project's, or of another commit.
 */
export async function fromOwnProject(
  file: FileElsewhere,
  own: OwnProject,
  host: string,
): Promise<FetchedFile | undefined> {
  if (file.kind === "project") {
    const { project, ref, path } = file;
    if (project !== own.path || ref !== own.commit) return undefined;
    const text = await own.read(path);
    return text === undefined
      ? missing(noFile({ project, path }))
      : { kind: "found", text, project: { project, ref } };
  }
  const component = file.kind === "component"
    ? parseComponentAddress(file.address, host)
    : undefined;
  if (component?.project !== own.path || component.reference !== own.commit) return undefined;
  for (const path of componentPaths(component.name)) {
    const text = await own.read(path);
    const version = own.commit;
    if (text !== undefined) return componentFile(component, { text, version, commit: version });
  }
  return undefined;
}
