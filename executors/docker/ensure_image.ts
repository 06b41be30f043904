/** Which images a job may use, and how they are looked for: settings of the runner and the job. */

import type { DockerConfig } from "../../core/config/schema.ts";
import type { JobLog } from "../../core/executor.ts";
import type { EngineInfo, ImageDetails } from "./engine/mod.ts";
import {
  checkAllowed,
  effectivePolicies,
  foreignTo,
  type JobImages,
  type PullPolicy,
} from "./images/mod.ts";
import type { JobFacts } from "./job_facts.ts";

export interface WantedImage {
  readonly image: string;
  readonly purpose: "build" | "helper" | "service";
  readonly platform: string;
  /** The job's own wish for this image. */
  readonly pullPolicy: readonly string[];
}

/** Brings an image to the engine. Throws JobConfigurationError or SystemFailure. */
export async function ensureImage(
  images: JobImages,
  wanted: WantedImage,
  options: {
    engine: EngineInfo;
    facts: JobFacts;
    home: string | undefined;
    log: JobLog;
    /** Called when it is pulled. */
    onPull: () => void;
    signal: AbortSignal;
  },
): Promise<ImageDetails> {
  const { engine, facts, home, log, onPull, signal } = options;
  const { image, purpose, platform } = wanted;
  const { docker, variables, spec } = facts;
  const request = {
    image,
    policies: policiesFor(wanted, docker),
    platform: platform || undefined,
    credentials: {
      authConfig: variables.text("DOCKER_AUTH_CONFIG"),
      home,
      job: spec.credentials,
    },
    onPull,
  };
  if (purpose !== "helper") assertAllowed(wanted, facts, log);
  const found = await images.ensure(request, log, { signal });
  if (purpose !== "helper" && platform === "") {
    const why = foreignTo(engine.architecture, found);
    if (why !== undefined) log.warning(`Image ${image} may not run: ${why}`);
  }
  return found;
}

function policiesFor(wanted: WantedImage, docker: DockerConfig): readonly PullPolicy[] {
  return effectivePolicies(wanted.image, {
    configured: docker.pull_policy,
    allowed: docker.allowed_pull_policies,
    requested: wanted.pullPolicy,
  });
}

function assertAllowed(wanted: WantedImage, facts: JobFacts, log: JobLog): void {
  const { docker, variables } = facts;
  const expand = (text: string) => variables.expand(text);
  const isService = wanted.purpose === "service";
  checkAllowed(wanted.image, {
    what: isService ? "services" : "images",
    patterns: isService ? docker.allowed_services : docker.allowed_images,
    configured: isService
      ? docker.services.map(({ name }) => expand(name))
      : docker.image === ""
      ? []
      : [expand(docker.image)],
  }, log);
}
