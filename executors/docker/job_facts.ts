/** What follows from a job and its runner's configuration before the engine is asked anything. */

import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { type FeatureFlags, resolveFeatureFlags } from "../../core/config/feature_flags.ts";
import type { DockerConfig, RunnerConfig } from "../../core/config/schema.ts";
import { JobConfigurationError } from "../../core/errors.ts";
import type { PreparedEnvironment } from "../../core/executor.ts";
import { ExecutorOptions } from "../../core/job/executor_options.ts";
import type { JobImage } from "../../core/job/response.ts";
import type { JobSpec } from "../../core/job/spec.ts";
import { type JobVariables, runnerVariable } from "../../core/job/variables.ts";
import { givenVariables, jobVariables } from "../../core/run/job_variables.ts";
import { type JobPaths, jobPaths } from "../../core/run/paths.ts";
import { type JobSettings, jobSettings } from "../../core/run/settings.ts";
import { shortToken } from "../../core/util/token.ts";
import { buildInfo } from "../../core/version.ts";
import type { Labels } from "./engine/mod.ts";
import { jobLabels, type ManagerIdentity, networkName, projectName } from "./names.ts";
import { planVolumes, type VolumePlan } from "./volumes.ts";

export interface JobFacts {
  readonly spec: JobSpec;
  readonly runner: RunnerConfig;
  readonly docker: DockerConfig;
  readonly flags: FeatureFlags;
  /** Unique to this try of this job: part of names and labels. */
  readonly key: string;
  /** Base of all container names of the job. */
  readonly name: string;
  /** Of the job's own containers, unless the configuration has one. */
  readonly hostname: string;
  readonly labels: Labels;
  readonly variables: JobVariables;
  readonly settings: JobSettings;
  readonly paths: JobPaths;
  readonly environment: PreparedEnvironment;
  readonly volumes: VolumePlan;
  /** Name of the job's own network, when it gets one. */
  readonly network: string | undefined;
  /** Reference of the job's image, expanded. */
  readonly image: string;
  /** The job named none. */
  readonly isDefaultImage: boolean;
  readonly platform: string;
  /** Asked for by configuration or job; empty means the image's own. */
  readonly user: string;
  /** The first stage that needs the helper: before the script, after it, or none for sure. */
  readonly needsHelper: "first" | "later" | "perhaps";
}

export interface FactsOptions {
  readonly runner: RunnerConfig;
  readonly docker: DockerConfig;
  readonly manager: ManagerIdentity;
  /** Where the executable is in the helper container. */
  readonly helperCommand: readonly string[];
}

/** Throws JobConfigurationError for what cannot be run with this configuration. */
export function jobFacts(spec: JobSpec, options: FactsOptions): JobFacts {
  const { runner, docker, manager } = options;
  const { flags } = resolveFeatureFlags({
    config: runner.feature_flags,
    jobVariables: givenVariables(runner, spec.variables),
  });
  const key = randomBytes(8).toString("hex");
  const project = projectName(spec, runner);
  const buildsDir = absolute("builds_dir", runner.builds_dir || "/builds");
  const perBuild = flags.FF_NETWORK_PER_BUILD && docker.network_mode === "";
  const network = perBuild ? networkName(spec, runner) : undefined;
  const environment: PreparedEnvironment = {
    os: "linux",
    hostname: `${project} via ${hostname()}`,
    buildsDir,
    cacheDir: absolute("cache_dir", runner.cache_dir || "/cache"),
    sharedBuildsDir: false,
    projectSlot: spec.slot.project,
    shell: isPosixShell(runner.shell) ? "sh" : runner.shell,
    login: false,
    exitPhrase: "exit code",
    helperCommand: options.helperCommand,
    variables: network === undefined ? {} : { CI_BUILD_NETWORK_NAME: network },
  };
  const resolve = (at: PreparedEnvironment) => {
    const paths = jobPaths(spec, at, shortToken(runner.token.reveal()));
    return { paths, variables: jobVariables(spec, runner, at, flags, paths, { disposable: true }) };
  };
  const { variables } = resolve(environment);
  const expand = (text: string) => variables.expand(text);
  const settings = jobSettings(variables, {
    allowGitFetch: spec.allowGitFetch,
    gitDepth: spec.git.depth,
    debugTraceDisabled: runner.debug_trace_disabled,
  });
  const { gitStrategy } = settings;
  const labels = jobLabels(spec, runner, { manager, key, expand });
  const volumes = planVolumes({
    spec,
    runner,
    docker,
    systemId: manager.systemId,
    buildsDir,
    labels,
    key,
    expand,
    keepsCheckout: gitStrategy === "fetch",
    isProtected: isProtected(spec, variables),
  });
  const shared = { ...environment, sharedBuildsDir: volumes.sharedBuilds };
  const { image, isDefaultImage } = imageOf(spec, docker, expand);
  const { platform, user } = dockerOptions(spec.image, variables);
  return {
    spec,
    runner,
    docker,
    flags,
    key,
    name: `${project}-${key}`,
    hostname: project,
    labels,
    ...resolve(shared),
    settings,
    environment: shared,
    volumes,
    network,
    image,
    isDefaultImage,
    platform,
    user: allowedUser(docker, user),
    needsHelper: gitStrategy === "fetch" || gitStrategy === "clone" ||
        spec.cache.length > 0 || spec.dependencies.length > 0
      ? "first"
      : spec.artifacts.length > 0
      ? "later"
      : "perhaps",
  };
}

/** A container's own is looked for, whichever of the two is configured: bash where there is one. */
function isPosixShell(shell: string): boolean {
  return /^(?:|bash|sh)$/.test(shell);
}

function absolute(key: string, path: string): string {
  if (path.startsWith("/") && path !== "/") return path.replace(/\/+$/, "");
  throw new JobConfigurationError(
    `${key} is "${path}", which is not an absolute path in the container other than "/"`,
  );
}

function imageOf(spec: JobSpec, docker: DockerConfig, expand: (text: string) => string) {
  const wanted = expand(spec.image?.name ?? "");
  const image = wanted || expand(docker.image);
  if (image === "") {
    throw new JobConfigurationError("no Docker image specified to run the build in");
  }
  return { image, isDefaultImage: wanted === "" };
}

/** `image:docker` of the payload, or of one of its services. */
export function dockerOptions(
  image: JobImage | undefined,
  variables: JobVariables,
): { readonly platform: string; readonly user: string } {
  const parsed = ExecutorOptions.safeParse(image?.executor_opts ?? {});
  const docker = parsed.success ? parsed.data.docker : undefined;
  return {
    platform: variables.expand(docker?.platform ?? ""),
    user: variables.expand(docker?.user ?? ""),
  };
}

/** GitLab ends the keys of a protected ref's caches so. */
const PROTECTED_KEY = /-protected$/;

/** A job that could say so itself would get at what protected jobs keep. */
function isProtected(spec: JobSpec, variables: JobVariables): boolean {
  const ref = spec.git.protected ?? variables.isTrueAtFirst("CI_COMMIT_REF_PROTECTED");
  return ref || spec.cache.some(({ key }) => PROTECTED_KEY.test(key));
}

/** The configured user wins over a job's; where there are allowed ones, it must be one of them. */
function allowedUser(docker: DockerConfig, wanted: string): string {
  const { user: configured, allowed_users: allowed } = docker;
  const user = configured || wanted;
  if (user === "" || allowed.length === 0 || allowed.includes(user)) return user;
  throw new JobConfigurationError(
    `user "${user}" is not an allowed user: [${allowed.join(" ")}]; ` +
      "see allowed_users of [runners.docker]",
  );
}

/** The text of `helper_image`, which may name this runner's version. */
export function helperImageName(facts: JobFacts): string {
  return facts.variables
    .with(
      runnerVariable("CI_RUNNER_REVISION", buildInfo.revision),
      runnerVariable("CI_RUNNER_VERSION", buildInfo.version),
    )
    .expand(facts.docker.helper_image);
}
