/** Where one job works: checkout, temporary files, cache. */

import type { PreparedEnvironment } from "../executor.ts";
import type { JobSpec } from "../job/spec.ts";
import { JobConfigurationError } from "../errors.ts";

/** Absolute paths in the job's environment. */
export interface JobPaths {
  readonly buildsDir: string;
  readonly projectDir: string;
  /** `RUNNER_TEMP_PROJECT_DIR`: file variables and what must not lie in the checkout. */
  readonly tempDir: string;
  /** Root of this project's local cache archives. */
  readonly cacheDir: string;
}

/** Directories as GitLab Runner lays them out: `<builds>[/<short token>/<slot>]/<project path>`. */
export function jobPaths(
  spec: JobSpec,
  environment: PreparedEnvironment,
  shortToken: string,
): JobPaths {
  const project = projectPath(spec);
  const root = environment.sharedBuildsDir
    ? `${environment.buildsDir}/${shortToken}/${environment.projectSlot}`
    : environment.buildsDir;
  const projectDir = `${root}/${project}`;
  return {
    buildsDir: environment.buildsDir,
    projectDir,
    tempDir: `${projectDir}.tmp`,
    cacheDir: `${environment.cacheDir}/${project}`,
  };
}

/**
 * The same paths with the checkout at `GIT_CLONE_PATH`, which must lie inside the builds directory.
 * Throws JobConfigurationError.
 */
export function withClonePath(paths: JobPaths, clonePath: string): JobPaths {
  const parts: string[] = [];
  for (const part of clonePath.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  const resolved = `/${parts.join("/")}`;
  if (!clonePath.startsWith("/") || !resolved.startsWith(`${paths.buildsDir}/`)) {
    throw new JobConfigurationError(
      `the GIT_CLONE_PATH="${clonePath}" has to be within "${paths.buildsDir}"`,
    );
  }
  return { ...paths, projectDir: resolved, tempDir: `${resolved}.tmp` };
}

/**
 * The path part of the repository's URL, which is what GitLab calls the full path of a project. The
 * address of a repository on this host says nothing of it.
 */
function projectPath(spec: JobSpec): string {
  const url = URL.parse(spec.git.repo_url);
  const path = (url === null ? spec.info.project_full_path : decodeURIComponent(url.pathname))
    .replace(/\.git$/, "")
    .split("/")
    .filter((part) => part !== "" && part !== "." && part !== "..")
    .join("/");
  return path === "" ? `project-${spec.projectId}` : path;
}
