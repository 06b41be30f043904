/** The variables that a job has from its project, groups, instance and pipeline. */

import { z } from "zod";
import type { PipelineVariable } from "../../pipeline/pipeline.ts";
import { type GitlabApi, projectPath } from "../gitlab/gitlab_api.ts";
import { type ServerProject, ServerVariable } from "./server_answers.ts";

/** Variables of one place, in the order in which the server tells them. */
type VariableList = readonly ServerVariable[];

export interface ServerVariables {
  /** Of the instance, the outermost group… the project: later ones win. */
  readonly settings: readonly VariableList[];
  readonly pipeline: VariableList;
  /** Names of the places whose variables the token may not read. */
  readonly closed: readonly string[];
}

const Variables = z.array(ServerVariable);

export async function serverVariables(
  api: GitlabApi,
  { project, pipelineId }: { readonly project: ServerProject; readonly pipelineId: number },
  signal: AbortSignal,
): Promise<ServerVariables> {
  const path = projectPath(project.path_with_namespace);
  const groups = project.namespace.kind === "group" ? groupPaths(project.namespace.full_path) : [];
  const places = [
    { name: "of the instance", path: "admin/ci/variables", route: "admin/ci/variables" },
    ...groups.map((group) => ({
      name: `of the group ${group}`,
      path: `groups/${encodeURIComponent(group)}/variables`,
      route: "groups/:id/variables",
    })),
    { name: "of the project", path: `${path}/variables`, route: "projects/:id/variables" },
    {
      name: "that the pipeline was started with",
      path: `${path}/pipelines/${pipelineId}/variables`,
      route: "projects/:id/pipelines/:id/variables",
    },
  ];
  const answers = await Promise.all(places.map(async (place) => ({
    name: place.name,
    answer: await api.list({ ...place, path: `${place.path}?` }, Variables, signal),
  })));
  const lists = answers.map(({ answer }) => answer.kind === "found" ? answer.value : []);
  return {
    settings: lists.slice(0, -1),
    pipeline: lists.at(-1) ?? [],
    closed: answers.flatMap(({ name, answer }) => answer.kind === "found" ? [] : [name]),
  };
}

export interface VariableScope {
  /** Name of the job's environment; undefined: it has none. */
  readonly environment: string | undefined;
  /** Whether the job's branch or tag is protected. */
  readonly isProtected: boolean;
}

export interface ScopedVariables {
  readonly settings: Readonly<Record<string, PipelineVariable>>;
  /** Names of those whose values the server shows to nobody. */
  readonly hidden: readonly string[];
}

/** What a job gets of them: those of its environment, and protected ones on protected refs. */
export function inScope(
  { settings, pipeline }: ServerVariables,
  scope: VariableScope,
): ScopedVariables {
  const lasting = lastOf(settings.flatMap((list) => bestOf(list, scope)));
  const given = lastOf(pipeline);
  return {
    settings: record(lasting),
    hidden: [...lasting, ...given].filter(({ value }) => value === null).map(({ key }) => key),
  };
}

/** Those that the pipeline was started with. */
export function readable(
  { pipeline }: ServerVariables,
): Readonly<Record<string, PipelineVariable>> {
  return record(lastOf(pipeline));
}

/** The last of one name is the one whose environment fits best. */
function bestOf(list: VariableList, { environment, isProtected }: VariableScope): VariableList {
  return list.filter((one) => isProtected || !one.protected)
    .map((one) => ({ one, rank: rankOf(one.environment_scope, environment) }))
    .filter(({ rank }) => rank >= 0)
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ one }) => one);
}

/** Everywhere, by pattern, by name; below zero: not at all. */
function rankOf(scope: string, environment: string | undefined): number {
  if (scope === "*") return 0;
  if (environment === undefined) return -1;
  if (scope === environment) return 2;
  const pattern = scope.split("*").map((part) => RegExp.escape(part)).join(".*");
  return new RegExp(`^${pattern}$`, "s").test(environment) ? 1 : -1;
}

/** A hidden one hides those of its name below it, too. */
function lastOf(list: VariableList): VariableList {
  return [...new Map(list.map((one) => [one.key, one])).values()];
}

function record(list: VariableList): Readonly<Record<string, PipelineVariable>> {
  return Object.fromEntries(
    list.flatMap(({ key, value, variable_type, masked, raw }) =>
      value === null
        ? []
        : [[key, { value, masked, file: variable_type === "file", expand: !raw }] as const]
    ),
  );
}

/** `a/b/c` is in `a`, `a/b` and itself. */
function groupPaths(path: string): readonly string[] {
  const parts = path.split("/");
  return parts.map((_, at) => parts.slice(0, at + 1).join("/"));
}
