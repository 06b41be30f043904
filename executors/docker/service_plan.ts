/** Which services a job gets, from its payload and the configuration. Pure. */

import { JobConfigurationError } from "../../core/errors.ts";
import type { JobVariable } from "../../core/job/response.ts";
import { runnerVariable } from "../../core/job/variables.ts";
import { matchesAny } from "./images/mod.ts";
import { serviceEnvironment } from "./container_environment.ts";
import { dockerOptions, type JobFacts } from "./job_facts.ts";
import { serviceName } from "./names.ts";

export interface ServicePlan {
  /** Of the container. */
  readonly name: string;
  readonly image: string;
  /** Names by which the job finds it. */
  readonly aliases: readonly string[];
  /** Undefined: the image's own. */
  readonly entrypoint: readonly string[] | undefined;
  readonly command: readonly string[] | undefined;
  readonly env: readonly string[];
  /** The payload's, beside those of the image. */
  readonly ports: readonly number[];
  readonly pullPolicy: readonly string[];
  readonly platform: string;
  readonly user: string;
  readonly devices: readonly string[];
}

/** The configuration's services first, then the job's. Throws JobConfigurationError. */
export function planServices(
  facts: JobFacts,
  warn: (text: string) => void,
): readonly ServicePlan[] {
  const { docker, spec, variables } = facts;
  const configured = docker.services.map((service) => ({
    ...service,
    ports: [],
    variables: service.environment.map((entry): JobVariable => {
      const at = entry.indexOf("=");
      return { ...runnerVariable(entry.slice(0, at), entry.slice(at + 1)), raw: false };
    }),
    pullPolicy: [],
    options: { platform: "", user: "" },
  }));
  const wanted = spec.services.map((service) => ({
    ...service,
    pullPolicy: service.pull_policy,
    options: dockerOptions(service, variables),
  }));
  const all = [...configured, ...wanted];
  const limit = docker.services_limit ?? -1;
  if (limit >= 0 && all.length > limit) {
    throw new JobConfigurationError(
      `too many services requested: ${all.length}, only ${limit} allowed`,
    );
  }
  const taken = new Set<string>();
  return all.flatMap((service, index): ServicePlan[] => {
    const image = variables.expand(service.name);
    if (image === "") throw new JobConfigurationError(`service ${index + 1} has no image`);
    const { service: path } = serviceName(image);
    const slug = path.replaceAll("/", "__");
    const more = variables.expand(service.alias).split(/[\s,]+/).filter((alias) => alias !== "");
    const aliases = new Set([slug, path.replaceAll("/", "-"), ...more]);
    const free = [...aliases].filter((alias) => {
      if (!taken.has(alias)) return true;
      warn(
        `Skipping alias "${alias}" for service "${image}" (services[${index}]): ` +
          "alias is already in use by another service.",
      );
      return false;
    });
    // Nobody could reach it.
    if (free.length === 0) return [];
    for (const alias of free) taken.add(alias);
    const isFixed = docker.disable_entrypoint_overwrite && service.entrypoint.length > 0;
    if (isFixed) warn("Entrypoint override disabled");
    return [{
      name: `${facts.name}-${slug}-${index}`,
      image,
      aliases: free,
      entrypoint: isFixed ? undefined : unlessEmpty(service.entrypoint),
      command: unlessEmpty(service.command),
      env: serviceEnvironment(variables, service.variables),
      ports: service.ports.map(({ number }) => number).filter((number) => number > 0),
      pullPolicy: service.pullPolicy,
      platform: service.options.platform,
      user: service.options.user,
      devices: Object.entries(docker.services_devices).flatMap(([pattern, devices]) =>
        matchesAny(image, [pattern]) ? devices : []
      ),
    }];
  });
}

/** Words are taken as they stand: a shell in the container may know the variables that they name. */
function unlessEmpty(words: readonly string[]): readonly string[] | undefined {
  return words.length === 0 ? undefined : words;
}
