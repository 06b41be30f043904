/** The pipelines above a child pipeline, and the jobs of theirs that started it. */

import { z } from "zod";
import { ConfigurationError } from "../../errors.ts";
import { projectPath } from "../gitlab/gitlab_api.ts";
import { ServerPipeline } from "./server_answers.ts";
import type { FoundJob } from "./server_facts.ts";

export interface Ancestor {
  readonly pipeline: ServerPipeline;
  /** The trigger job in it that started the next one. */
  readonly trigger: string;
  readonly triggerId: number | undefined;
}

const SourceJob = z.looseObject({
  data: z.looseObject({
    project: z.looseObject({
      pipeline: z.looseObject({
        sourceJob: z.looseObject({ name: z.string(), id: z.string().nullish() }).nullish(),
        upstream: z.looseObject({ id: z.string().regex(/\/\d+$/) }).nullish(),
      }).nullish(),
    }).nullish(),
  }).nullish(),
});

/** GitLab lets a child pipeline have children, and no more. */
const DEEPEST = 2;

/**
 * The outermost first; none for a pipeline that is no child. Throws ConfigurationError when the token
 * may not see them.
 */
export async function ancestorsOf(
  { api, address, job }: FoundJob,
  pipeline: ServerPipeline,
  signal: AbortSignal,
): Promise<readonly Ancestor[]> {
  const ancestors: Ancestor[] = [];
  let child = pipeline;
  while (child.source === "parent_pipeline" && ancestors.length < DEEPEST) {
    const path = JSON.stringify(address.projectPath);
    const id = `gid://gitlab/Ci::Pipeline/${child.id}`;
    const query =
      `{project(fullPath:${path}){pipeline(id:"${id}"){sourceJob{name id} upstream{id}}}}`;
    const answer = await api.query(query, SourceJob, signal);
    const found = answer.kind === "found" ? answer.value.data?.project?.pipeline : undefined;
    const parentId = found?.upstream?.id.split("/").at(-1);
    const trigger = found?.sourceJob?.name;
    const parent = parentId === undefined ? undefined : await api.get(
      {
        path: `${projectPath(address.projectPath)}/pipelines/${parentId}`,
        route: "projects/:id/pipelines/:id",
      },
      ServerPipeline,
      signal,
    );
    if (parent?.kind !== "found" || trigger === undefined) {
      throw new ConfigurationError(
        `Job ${job.id}, "${job.name}", is of a child pipeline, and the token may not see what ` +
          "started it: name the CI file with --file",
      );
    }
    const triggerId = /\d+$/.exec(found?.sourceJob?.id ?? "")?.[0];
    ancestors.unshift({
      pipeline: parent.value,
      trigger,
      triggerId: triggerId === undefined ? undefined : Number(triggerId),
    });
    child = parent.value;
  }
  return ancestors;
}
