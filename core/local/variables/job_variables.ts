/** All variables of one local job, in GitLab's precedence. */

import {
  jobOwnVariables,
  type JobVariableFacts,
  tokenVariables,
} from "../../job/predefined_variables.ts";
import type { JobVariable } from "../../job/response.ts";
import type { PipelineJob, PipelineJobVariable } from "../../pipeline/pipeline.ts";

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
