/** The CI file that a project's setting names. */

import { SourceText } from "../../pipeline/yaml/source_text.ts";

const USUAL_FILE = ".gitlab-ci.yml";

export interface CiFile {
  /** Its path in the project, or the setting itself. */
  readonly path: string;
  /** Undefined: it is in the project, at that path. */
  readonly root: SourceText | undefined;
}

/** `path`, `path@group/project`, `path@group/project:ref`, or an address. Empty: the usual one. */
export function ciFile(setting: string): CiFile {
  const path = setting || USUAL_FILE;
  const include = /^https?:/.test(path) ? { remote: path } : ofProject(path);
  if (include === undefined) return { path, root: undefined };
  return { path, root: new SourceText(path, JSON.stringify({ include: [include] })) };
}

function ofProject(setting: string): object | undefined {
  const [, file, project, ref] = /^([^@]+)@([^:]+)(?::(.+))?$/.exec(setting) ?? [];
  if (file === undefined || project === undefined) return undefined;
  return { project, file, ...(ref === undefined ? {} : { ref }) };
}
