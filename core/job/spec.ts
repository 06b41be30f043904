/** The job as the rest of the program sees it: checked, defaults applied, frozen. */

import type {
  JobArtifacts,
  JobCache,
  JobCredentials,
  JobDependency,
  JobImage,
  JobResponse,
  JobStep,
  JobVariable,
} from "./response.ts";
import { Secret } from "../util/secret.ts";

export type JobId = number & { readonly __brand: "JobId" };

/** GitLab's limit for a job whose payload names none: two hours. */
const DEFAULT_TIMEOUT_SECONDS = 7200;

/** PEM texts of the connection to the coordinator, handed to the job as `CI_SERVER_TLS_*` files. */
export interface TlsMaterial {
  readonly caChain?: string;
  readonly certificate?: string;
  readonly key?: string;
}

/** Which of the runner's parallel jobs this one is. */
export interface JobSlot {
  /** Unique among the running jobs of this runner entry: `CI_CONCURRENT_ID`. */
  readonly runner: number;
  /** Unique among those of one project: `CI_CONCURRENT_PROJECT_ID`, part of the checkout's path. */
  readonly project: number;
}

export interface JobSpec {
  readonly id: JobId;
  readonly token: Secret;
  readonly name: string;
  readonly stage: string;
  readonly projectId: number;
  readonly slot: JobSlot;
  readonly timeoutMs: number;
  readonly allowGitFetch: boolean;
  readonly git: JobResponse["git_info"];
  readonly variables: readonly JobVariable[];
  readonly steps: readonly JobStep[];
  readonly image: JobImage | undefined;
  readonly services: readonly JobImage[];
  readonly artifacts: readonly JobArtifacts[];
  readonly cache: readonly JobCache[];
  readonly credentials: readonly JobCredentials[];
  readonly dependencies: readonly JobDependency[];
  readonly hooks: readonly { readonly name: string; readonly script: readonly string[] }[];
  readonly features: JobResponse["features"];
  readonly info: JobResponse["job_info"];
  readonly policy: JobResponse["policy_options"];
  readonly tls: TlsMaterial;
}

/** Normalises a payload. Never throws: what a job may not ask for is found by `checkJob`. */
export function jobSpec(
  response: JobResponse,
  options: { slot: JobSlot; tls: TlsMaterial },
): JobSpec {
  const seconds = response.runner_info.timeout;
  return Object.freeze({
    id: response.id as JobId,
    token: new Secret(response.token),
    name: response.job_info.name,
    stage: response.job_info.stage,
    projectId: response.job_info.project_id,
    slot: options.slot,
    timeoutMs: (seconds > 0 ? seconds : DEFAULT_TIMEOUT_SECONDS) * 1000,
    allowGitFetch: response.allow_git_fetch,
    git: response.git_info,
    variables: response.variables,
    steps: response.steps,
    image: response.image?.name ? response.image : undefined,
    services: response.services.filter((service) => service.name !== ""),
    artifacts: response.artifacts,
    cache: response.cache,
    credentials: response.credentials,
    dependencies: response.dependencies,
    hooks: response.hooks,
    features: response.features,
    info: response.job_info,
    policy: response.policy_options,
    tls: options.tls,
  });
}

/** Whether the job's scripts need this executable: for caches and artifacts. */
export function movesFiles({ cache, artifacts, dependencies }: JobSpec): boolean {
  return cache.length + artifacts.length + dependencies.length > 0;
}
