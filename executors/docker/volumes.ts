/** Which volumes a job's containers share, and which of them end with the job. Pure. */

import { createHash } from "node:crypto";
import { join, posix } from "node:path";
import type { DockerConfig, RunnerConfig } from "../../core/config/schema.ts";
import { JobConfigurationError } from "../../core/errors.ts";
import type { JobSpec } from "../../core/job/spec.ts";
import type { Labels } from "./engine/mod.ts";
import { LABEL_PREFIX, lastingName, projectName, REAPER_LABELS, typeLabel } from "./names.ts";
import { parseVolume, type VolumeSpec } from "./volume_spec.ts";

/** A mount as the engine defines it. A named volume is made, with its labels, when it is missing. */
export interface Mount {
  readonly Type: "volume";
  readonly Source: string;
  readonly Target: string;
  readonly ReadOnly?: boolean;
  readonly VolumeOptions?: {
    readonly Labels?: Labels;
    readonly NoCopy?: boolean;
    readonly DriverConfig?: {
      readonly Name: string;
      readonly Options: Readonly<Record<string, string>>;
    };
  };
}

export interface VolumePlan {
  /** `docker run -v` style, as the configuration has them. */
  readonly binds: readonly string[];
  readonly mounts: readonly Mount[];
  /** Directories that the job's user has to be able to write in. */
  readonly writable: readonly string[];
  /** Those of them that every user of the job's containers may write in: the operator's volumes. */
  readonly open: readonly string[];
  /** Volumes that are removed with the job. */
  readonly temporary: readonly string[];
  /** The checkout ends with the job. */
  readonly temporaryBuilds: boolean;
  /** The builds directory is a folder of the host, which other jobs use too. */
  readonly sharedBuilds: boolean;
}

export interface VolumeOptions {
  readonly spec: JobSpec;
  readonly runner: RunnerConfig;
  readonly docker: DockerConfig;
  readonly systemId: string;
  readonly buildsDir: string;
  /** Labels of the job. */
  readonly labels: Labels;
  readonly key: string;
  readonly expand: (text: string) => string;
  /** The checkout is used by the next job too. */
  readonly keepsCheckout: boolean;
  /** By its ref, or by the key of one of its caches. */
  readonly isProtected: boolean;
}

/** Throws JobConfigurationError for what is no volume, and for two at one place. */
export function planVolumes(options: VolumeOptions): VolumePlan {
  const { docker, buildsDir, expand, keepsCheckout } = options;
  const specs = docker.volumes.filter((text) => text !== "").map((text) =>
    parseVolume(text, expand)
  );
  refuseDoubles(specs.map(({ target }) => target));
  const binds: string[] = [];
  const mounts: Mount[] = [];
  const temporary: string[] = [];
  const writable: string[] = [];
  const manage = (path: string, persistent: boolean) => {
    writable.push(path);
    if (persistent && docker.cache_dir !== "") {
      binds.push(`${hostFolder(path, options)}:${path}`);
      return;
    }
    const mount = managedVolume(path, persistent, options);
    mounts.push(mount);
    if (!persistent) temporary.push(mount.Source);
  };
  for (const spec of specs) {
    if (spec.kind === "bind") binds.push(spec.bind);
    else manage(spec.target, !docker.disable_cache);
  }
  const holdsBuilds = (kind: VolumeSpec["kind"]) =>
    specs.some((spec) => spec.kind === kind && isWithin(buildsDir, spec.target));
  const open = mounts.map(({ Target }) => Target);
  const sharedBuilds = holdsBuilds("bind");
  const isManaged = holdsBuilds("managed");
  const persistent = keepsCheckout && !docker.disable_cache;
  if (!sharedBuilds && !isManaged) manage(buildsDir, persistent);
  return {
    binds,
    mounts,
    writable,
    open,
    temporary: docker.volume_keep ? [] : temporary,
    temporaryBuilds: !sharedBuilds && !isManaged && !persistent && !docker.volume_keep,
    sharedBuilds,
  };
}

function refuseDoubles(targets: readonly string[]): void {
  const seen = new Set<string>();
  for (const target of targets) {
    const path = posix.normalize(`${target}/`);
    if (seen.has(path)) {
      throw new JobConfigurationError(
        `[runners.docker] volumes: volume for container path "${target}" is already defined`,
      );
    }
    seen.add(path);
  }
}

function managedVolume(path: string, persistent: boolean, options: VolumeOptions): Mount {
  const { spec, runner, docker, labels, key, isProtected } = options;
  const { [REAPER_LABELS.jobKey]: jobKey = key, ...ownerless } = labels;
  const name = persistent
    ? `${lastingName(options)}-cache-${hashOf(path, options)}`
    : `${projectName(spec, runner)}-${key}-cache-${hashOf(path, options)}`;
  return {
    Type: "volume",
    Source: name,
    Target: path,
    VolumeOptions: {
      Labels: {
        ...ownerless,
        // What has it is removed behind the job.
        ...(persistent || docker.volume_keep ? {} : { [REAPER_LABELS.jobKey]: jobKey }),
        ...typeLabel("cache"),
        [`${LABEL_PREFIX}.destination`]: path,
        [`${LABEL_PREFIX}.protected`]: String(isProtected),
        [`${LABEL_PREFIX}.reusable`]: String(persistent),
      },
      ...(docker.volume_driver === "" ? {} : {
        DriverConfig: { Name: docker.volume_driver, Options: docker.volume_driver_ops },
      }),
    },
  };
}

/** Below `docker.cache_dir` on the engine's host. */
function hostFolder(path: string, options: VolumeOptions): string {
  const { cache_dir: parent } = options.docker;
  if (posix.isAbsolute(parent)) return join(parent, lastingName(options), hashOf(path, options));
  throw new JobConfigurationError(
    `[runners.docker] cache_dir is "${parent}", which is no absolute path on the engine's host`,
  );
}

/** What protected jobs keep is apart from what all others do. */
function hashOf(path: string, { isProtected }: VolumeOptions): string {
  return createHash("md5").update(path).digest("hex") + (isProtected ? "-protected" : "");
}

/** Whether `path` is `directory` or lies in it. */
function isWithin(path: string, directory: string): boolean {
  const relative = posix.relative(posix.normalize(directory), posix.normalize(path));
  return relative === "" || (!relative.startsWith("..") && !posix.isAbsolute(relative));
}
