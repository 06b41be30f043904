/** All variables of one local job, in GitLab's precedence. */

import {
  jobOwnVariables,
  type JobVariableFacts,
  tokenVariables,
} from "../../job/predefined_variables.ts";
import type { JobVariable } from "../../job/response.ts";
import type { PipelineJob, PipelineJobVariable } from "../../pipeline/pipeline.ts";
import { PIPELINE_ID } from "../job_response.ts";
import { expandForRunner } from "../../pipeline/variables/nested.ts";
import { type Credentials, idTokensOf, secretsOf } from "../credentials.ts";
import type { RemoteProject } from "./remote.ts";

export interface LocalVariableFacts extends JobVariableFacts {
  readonly token: string;
  readonly repositoryUrl: string;
  /** Of the job's environment; undefined: it has none. */
  readonly environmentId: number | undefined;
  /** That the user has set; the job gets those that it asks for. */
  readonly credentials: Credentials;
  /** From reports of the jobs that this one gets artifacts of. */
  readonly dotenv: ReadonlyMap<string, string>;
}

/** A variable as a job gets it, and where it comes from. */
export interface LocalVariable extends JobVariable {
  readonly origin: PipelineJobVariable["origin"];
}

/** What wins over a `dotenv` report. */
const ABOVE_DOTENV: ReadonlySet<string> = new Set(["project", "pipeline"]);

/** What services get to see: only what everybody does who sees the CI file. */
const OPEN: ReadonlySet<LocalVariable["origin"]> = new Set(
  ["predefined", "global", "workflow", "job", "matrix", "rules"] as const,
);
/** Of GitLab's own, what holds the job's token. */
const CLOSED: ReadonlySet<string> = new Set(["CI_REPOSITORY_URL"]);

/** Values that refer to each other are expanded, as GitLab does before it hands a job out. */
export function localVariables(
  job: PipelineJob,
  facts: LocalVariableFacts,
): readonly LocalVariable[] {
  const above = job.variables.filter(({ origin }) => ABOVE_DOTENV.has(origin));
  const below = job.variables.filter(({ origin }) => !ABOVE_DOTENV.has(origin));
  const secrets = secretsOf(job, facts.credentials);
  const variables = [
    ...fixed(tokenVariables(facts.token), { origin: "predefined", masked: true }),
    ...fixed(jobOwnVariables(facts), { origin: "predefined" }),
    ...fixed({ CI_REPOSITORY_URL: facts.repositoryUrl }, { origin: "predefined" }),
    ...fixed(
      facts.environmentId === undefined ? {} : { CI_ENVIRONMENT_ID: String(facts.environmentId) },
      { origin: "predefined" },
    ),
    ...fixed(idTokensOf(job, facts.credentials), { origin: "id_tokens", masked: true }),
    ...below,
    ...fixed(Object.fromEntries(facts.dotenv), { origin: "dotenv" })
      .map((variable) => ({ ...variable, expand: true })),
    ...above,
    ...fixed(secrets.values, { origin: "secrets", masked: true }),
    ...fixed(secrets.files, { origin: "secrets", masked: true, file: true }),
  ];
  return expandForRunner(variables).map(({ key, value, masked, file, expand, origin }) => ({
    key,
    value,
    public: !masked && OPEN.has(origin) && !CLOSED.has(key),
    masked,
    file,
    raw: !expand,
    origin,
  }));
}

/** Values that are taken as they are. */
function fixed(
  values: Readonly<Record<string, string>>,
  { origin, masked = false, file = false }:
    & Pick<PipelineJobVariable, "origin">
    & Partial<Pick<PipelineJobVariable, "masked" | "file">>,
): readonly PipelineJobVariable[] {
  return Object.entries(values).map(([key, value]) => ({
    key,
    value,
    expand: false,
    masked,
    file,
    origin,
  }));
}

/** What a job would get, with the id and token that the first job of a run has. */
export function exampleVariables(
  job: PipelineJob,
  { project: { serverUrl, path }, credentials }: {
    readonly project: RemoteProject;
    readonly credentials: Credentials;
  },
  timeoutSeconds: number,
): readonly LocalVariable[] {
  return localVariables(job, {
    ...factsOf(job),
    serverUrl,
    projectPath: path,
    jobId: 1,
    environmentId: job.environment === undefined ? undefined : 1,
    timeoutSeconds: job.config.timeoutSeconds ?? timeoutSeconds,
    token: "",
    credentials,
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
    tags: job.config.tags,
    pipelineId: PIPELINE_ID,
    runner: { id: 1, description: "local", tags: job.config.tags },
  };
}
