/** All variables of one local job, in GitLab's precedence. */

import {
  jobOwnVariables,
  type JobVariableFacts,
  tokenVariables,
} from "../../job/predefined_variables.ts";
import type { JobVariable } from "../../job/response.ts";
import type { PipelineJob, PipelineJobVariable } from "../../pipeline/pipeline.ts";
import type { RemoteProject } from "./remote.ts";

export interface LocalVariableFacts extends JobVariableFacts {
  readonly token: string;
  readonly repositoryUrl: string;
  /** From reports of the jobs that this one gets artifacts of. */
  readonly dotenv: ReadonlyMap<string, string>;
}

/** A variable as a job gets it, and where it comes from. */
export interface LocalVariable extends JobVariable {
  readonly origin: PipelineJobVariable["origin"];
}

/** What wins over a `dotenv` report. */
const ABOVE_DOTENV: ReadonlySet<string> = new Set(["project", "pipeline"]);

export function localVariables(
  job: PipelineJob,
  facts: LocalVariableFacts,
): readonly LocalVariable[] {
  const own = (values: Readonly<Record<string, string>>, masked: boolean) =>
    Object.entries(values).map(([key, value]): LocalVariable => ({
      key,
      value,
      public: !masked,
      masked,
      file: false,
      raw: true,
      origin: "predefined",
    }));
  const given = job.variables.map((variable): LocalVariable => ({
    key: variable.key,
    value: variable.value,
    public: !variable.masked,
    masked: variable.masked,
    file: variable.file,
    raw: !variable.expand || variable.origin === "predefined",
    origin: variable.origin,
  }));
  const dotenv = [...facts.dotenv].map(([key, value]): LocalVariable => ({
    key,
    value,
    public: true,
    masked: false,
    file: false,
    raw: true,
    origin: "dotenv",
  }));
  return [
    ...own(tokenVariables(facts.token), true),
    ...own(jobOwnVariables(facts), false),
    ...own({ CI_REPOSITORY_URL: facts.repositoryUrl }, false),
    ...given.filter(({ origin }) => !ABOVE_DOTENV.has(origin)),
    ...dotenv,
    ...given.filter(({ origin }) => ABOVE_DOTENV.has(origin)),
  ];
}

/** What a job would get, with the id and token that the first job of a run has. */
export function exampleVariables(
  job: PipelineJob,
  { serverUrl, path }: RemoteProject,
  timeoutSeconds: number,
): readonly LocalVariable[] {
  return localVariables(job, {
    ...factsOf(job),
    serverUrl,
    projectPath: path,
    jobId: 1,
    timeoutSeconds: job.config.timeoutSeconds ?? timeoutSeconds,
    token: "",
    repositoryUrl: `${serverUrl}/${path}.git`,
    dotenv: new Map(),
  });
}

/** What the job itself says, at this moment. */
export function factsOf(job: PipelineJob) {
  return {
    name: job.name,
    stage: job.stage,
    image: job.image?.name ?? "",
    startedAt: new Date().toISOString().replace(/\.\d+/, ""),
    node: job.node,
    runner: { id: 1, description: "local", tags: job.config.tags },
  };
}
