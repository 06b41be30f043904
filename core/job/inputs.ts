/** Puts a job's inputs into the texts of its payload that may name them (`${{ job.inputs.name }}`). */

import { JobConfigurationError } from "../errors.ts";
import { expandTemplate } from "./moa/template.ts";
import { MoaError, type Value } from "./moa/value.ts";
import type { JobArtifacts, JobCache, JobImage, JobResponse, JobStep } from "./response.ts";

/**
 * The payload with its expressions evaluated. Without inputs every text stays as it is: such texts
 * are older than job inputs. Throws JobConfigurationError.
 */
export function interpolateInputs(job: JobResponse): JobResponse {
  if (job.inputs.length === 0) return job;
  const text = (template: string) => expand(template, job.inputs);
  return {
    ...job,
    steps: job.steps.map((step) => inStep(step, text)),
    ...(job.image ? { image: inImage(job.image, text) } : {}),
    services: job.services.map((service) => inImage(service, text)),
    artifacts: job.artifacts.map((artifacts) => inArtifacts(artifacts, text)),
    cache: job.cache.map((cache) => inCache(cache, text)),
  };
}

type Text = (template: string) => string;

/** The steps that GitLab itself makes hold nothing of the user's that could name an input. */
function inStep(step: JobStep, text: Text): JobStep {
  const isUsers = step.name === "script" || step.name === "after_script";
  return isUsers ? { ...step, script: step.script.map(text) } : step;
}

function inImage(image: JobImage, text: Text): JobImage {
  return {
    ...image,
    name: text(image.name),
    entrypoint: image.entrypoint.map(text),
    command: image.command.map(text),
    pull_policy: image.pull_policy.map(text),
    executor_opts: inEveryText(image.executor_opts, text),
  };
}

function inArtifacts(artifacts: JobArtifacts, text: Text): JobArtifacts {
  return {
    ...artifacts,
    name: text(artifacts.name),
    paths: artifacts.paths.map(text),
    exclude: artifacts.exclude.map(text),
    when: text(artifacts.when),
    expire_in: text(artifacts.expire_in),
  };
}

function inCache(cache: JobCache, text: Text): JobCache {
  return {
    ...cache,
    key: text(cache.key),
    policy: text(cache.policy),
    paths: cache.paths.map(text),
    when: text(cache.when),
    fallback_keys: cache.fallback_keys.map(text),
  };
}

function inEveryText(value: unknown, text: Text): unknown {
  if (typeof value === "string") return text(value);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, inEveryText(member, text)]),
  );
}

function expand(template: string, inputs: JobResponse["inputs"]): string {
  let sensitive = false;
  const values: Record<string, Value> = {};
  for (const { key, value } of inputs) {
    Object.defineProperty(values, key, {
      enumerable: true,
      get: () => {
        sensitive ||= value.sensitive;
        return value.content;
      },
    });
  }
  try {
    const text = expandTemplate(template, (name) => {
      if (name === "job") return { inputs: values };
      throw new MoaError(`there is no "${name}" here`);
    });
    if (!sensitive) return text;
    throw new MoaError("sensitive inputs are unsupported in interpolations yet");
  } catch (error) {
    if (!(error instanceof MoaError)) throw error;
    throw new JobConfigurationError(`failed to interpolate job inputs: ${error.message}`, {
      cause: error,
    });
  }
}
