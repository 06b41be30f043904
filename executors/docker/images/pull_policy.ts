/** When images are pulled: what the operator chose, narrowed by what a job asks for. */

import { JobConfigurationError } from "../../../core/errors.ts";

export type PullPolicy = "always" | "if-not-present" | "never";

const POLICIES: readonly PullPolicy[] = ["always", "if-not-present", "never"];

export interface PolicyChoice {
  /** `pull_policy` of config.toml; empty means `always`. */
  readonly configured: readonly string[];
  /** `allowed_pull_policies` of config.toml; empty means the configured ones. */
  readonly allowed: readonly string[];
  /** The job's, for this image; empty when it has no wish. */
  readonly requested: readonly string[];
}

/**
 * The policies to try in turn for `image`; a repeated one is a further try. Throws
 * JobConfigurationError when none is allowed, or a configured one is unknown.
 */
export function effectivePolicies(image: string, choice: PolicyChoice): readonly PullPolicy[] {
  const { requested } = choice;
  const configured = parse(choice.configured, "pull_policy");
  const allowedByName = parse(choice.allowed, "allowed_pull_policies");
  const standing: readonly PullPolicy[] = configured.length === 0 ? ["always"] : configured;
  const allowed = allowedByName.length === 0 ? standing : allowedByName;
  const wanted = requested.length === 0 ? standing : requested;
  const isAllowed = (policy: string): policy is PullPolicy =>
    allowed.some((known) => known === policy);
  const effective = wanted.filter(isAllowed);
  if (effective.length > 0) return effective;
  const whose = requested.length === 0 ? "Runner config" : "GitLab pipeline config";
  throw new JobConfigurationError(
    `invalid pull policy for image "${image}": pull_policy (${listed(wanted)}) defined in ` +
      `${whose} is not one of the allowed_pull_policies (${listed(allowed)})`,
  );
}

/** `[always if-not-present]`, as job logs show a list. */
export function listed(policies: readonly string[]): string {
  return `[${policies.join(" ")}]`;
}

function parse(values: readonly string[], where: string): readonly PullPolicy[] {
  return values.map((value) => {
    const policy = POLICIES.find((known) => known === value);
    if (policy !== undefined) return policy;
    throw new JobConfigurationError(
      `unsupported ${where} config: "${value}"; use ${
        POLICIES.map((known) => `"${known}"`).join(", ")
      }`,
    );
  });
}
