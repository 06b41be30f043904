/** Which services a job gets, from its payload and the configuration. Pure. */

import { JobConfigurationError } from "../../core/errors.ts";
import type { JobVariable } from "../../core/job/response.ts";
import { runnerVariable } from "../../core/job/variables.ts";
import { matchesAny } from "./images/mod.ts";
import { containerEnvironment, dockerOptions, type JobFacts } from "./job_facts.ts";
import { withoutPort, withoutTag } from "./names.ts";

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
  /** `HEALTHCHECK_TCP_PORT`. */
  readonly healthcheckPort: number | undefined;
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
      `the job has ${all.length} services, but this runner's services_limit is ${limit}`,
    );
  }
  const taken = new Set<string>();
  return all.map((service, index): ServicePlan => {
    const own = variables.with(...service.variables);
    const image = own.expand(service.name);
    if (image === "") throw new JobConfigurationError(`service ${index + 1} has no image`);
    const { paths, aliases } = aliasesOf(image, own.expand(service.alias));
    const free = aliases.filter((alias) => {
      if (taken.has(alias)) warn(`Service ${image} is already created. Ignoring alias ${alias}.`);
      return !taken.has(alias);
    });
    for (const alias of free) taken.add(alias);
    const port = Number(own.get("HEALTHCHECK_TCP_PORT"));
    const expanded = (words: readonly string[]) =>
      words.length === 0 ? undefined : words.map((word) => own.expand(word));
    return {
      name: `${facts.name}-${paths}-${index}`,
      image,
      aliases: free,
      entrypoint: expanded(service.entrypoint),
      command: expanded(service.command),
      env: containerEnvironment(own),
      ports: service.ports.map(({ number }) => number).filter((number) => number > 0),
      healthcheckPort: port > 0 ? port : undefined,
      pullPolicy: service.pullPolicy,
      platform: service.options.platform,
      user: service.options.user,
      devices: Object.entries(docker.services_devices).flatMap(([pattern, devices]) =>
        matchesAny(image, [pattern]) ? devices : []
      ),
    };
  });
}

/** `registry.example.com:5000/a/b:1` → `registry.example.com__a__b`, `registry.example.com-a-b`. */
function aliasesOf(image: string, given: string) {
  const path = withoutPort(withoutTag(image));
  const paths = path.replaceAll("/", "__");
  const more = given.split(/[\s,]+/).filter((alias) => alias !== "");
  return { paths, aliases: [...new Set([paths, path.replaceAll("/", "-"), ...more])] };
}
