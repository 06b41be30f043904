/** The predefined variables of a job of the embedded coordinator: a made-up project and pipeline. */

import {
  jobOwnVariables,
  pipelineVariables,
  type PredefinedVariables,
  tokenVariables,
} from "../job/predefined_variables.ts";
import type { JobVariableInput } from "./payload.ts";

/** What they are made of. */
export interface PredefinedFacts {
  readonly baseUrl: string;
  readonly repositoryUrl: string;
  readonly jobId: number;
  readonly jobToken: string;
  readonly pipelineId: number;
  readonly name: string;
  readonly stage: string;
  readonly image: string;
  readonly projectPath: string;
  readonly projectId: number;
  readonly ref: string;
  readonly refType: "branch" | "tag";
  readonly sha: string;
  readonly beforeSha: string;
  readonly timeoutSeconds: number;
  readonly tags: readonly string[];
  readonly runnerId: number;
  readonly runnerDescription: string;
  readonly startedAt: string;
}

/** In the order of precedence: later ones win. */
export function predefinedVariables(facts: PredefinedFacts): JobVariableInput[] {
  const { baseUrl: serverUrl, projectPath, startedAt } = facts;
  const secrets = Object.entries(tokenVariables(facts.jobToken))
    .map(([key, value]) => ({ key, value, public: false, masked: true }));
  return [
    ...secrets,
    { key: "CI_REPOSITORY_URL", value: facts.repositoryUrl, public: false },
    ...listed(pipelineVariables({
      serverUrl,
      project: {
        id: facts.projectId,
        path: projectPath,
        defaultBranch: "main",
        configPath: ".gitlab-ci.yml",
        visibility: "private",
      },
      pipeline: { id: facts.pipelineId, source: "web", createdAt: startedAt, name: "" },
      commit: {
        sha: facts.sha,
        beforeSha: facts.beforeSha,
        message: "",
        author: "Local User <user@example.com>",
        timestamp: startedAt,
      },
      ref: { name: facts.ref, kind: facts.refType, isProtected: false, tagMessage: "" },
      user: { login: "user", name: "Local User", email: "user@example.com" },
    })),
    ...listed(jobOwnVariables({
      serverUrl,
      projectPath,
      jobId: facts.jobId,
      pipelineId: facts.pipelineId,
      tags: facts.tags,
      name: facts.name,
      stage: facts.stage,
      image: facts.image,
      startedAt,
      timeoutSeconds: facts.timeoutSeconds,
      node: undefined,
      runner: { id: facts.runnerId, description: facts.runnerDescription, tags: facts.tags },
    })),
  ];
}

/** What v11.7-era servers call them by, beside the names of today. */
export function oldVariables(facts: PredefinedFacts): JobVariableInput[] {
  return listed({
    CI_BUILD_ID: String(facts.jobId),
    CI_BUILD_NAME: facts.name,
    CI_BUILD_STAGE: facts.stage,
    CI_BUILD_REF: facts.sha,
    CI_BUILD_REF_NAME: facts.ref,
  });
}

function listed(values: PredefinedVariables): JobVariableInput[] {
  return Object.entries(values).map(([key, value]) => ({ key, value }));
}
