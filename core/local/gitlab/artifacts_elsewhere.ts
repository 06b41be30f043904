/** Archives of jobs of other projects, which jobs here need. */

import { createHash } from "node:crypto";
import { join } from "node:path";
import { messageOf } from "../../errors.ts";
import type { ArtifactPlace } from "../../pipeline/pipeline.ts";
import { GitlabApi, type GitlabApiOptions, projectPath } from "./gitlab_api.ts";

export interface FetchedArchive {
  readonly path: string;
  readonly size: number;
}

/**
 * The archive of the last successful pipeline of the ref, written below `directory`; or why it is not
 * to be had.
 */
export async function fetchArtifactsElsewhere(
  { project, ref, job }: ArtifactPlace,
  access: GitlabApiOptions,
  { directory, signal }: { readonly directory: string; readonly signal: AbortSignal },
): Promise<FetchedArchive | string> {
  using api = new GitlabApi(access);
  const name = createHash("sha256").update(JSON.stringify([project, ref, job])).digest("hex");
  const path = join(directory, `elsewhere-${name.slice(0, 16)}.zip`);
  try {
    const answer = await api.download(
      {
        path: `${projectPath(project)}/jobs/artifacts/${encodeURIComponent(ref)}/download?job=` +
          encodeURIComponent(job),
        route: "projects/:id/jobs/artifacts/:ref/download",
      },
      path,
      signal,
    );
    return answer.kind === "refused" ? answer.message : { path, size: answer.value };
  } catch (error) {
    signal.throwIfAborted();
    return messageOf(error);
  }
}
