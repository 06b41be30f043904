/** Whose credentials a registry gets: the longest match, from the sources in GitLab's order. */

import { stat } from "node:fs/promises";
import { join } from "node:path";
import { codeOf, messageOf } from "../../../core/errors.ts";
import type { JobLog } from "../../../core/executor.ts";
import type { JobCredentials } from "../../../core/job/response.ts";
import type { RegistryAuth } from "../engine/mod.ts";
import {
  helperCredentials,
  type HelperOptions,
  HelperRefusal,
  helperServers,
} from "./credential_helper.ts";
import { type DockerConfigFile, parseDockerConfig, repositoryPrefix } from "./docker_config.ts";
import { DOCKER_HUB, type ImageName, repositoryOf } from "./image_name.ts";

/** Where to look, in this order. */
export interface CredentialSources {
  /** Text of `DOCKER_AUTH_CONFIG`: the job's, or else the one of the entry's `environment`; or empty. */
  readonly authConfig: string;
  /** Home of the user whose `~/.docker/config.json` counts. */
  readonly home: string | undefined;
  /** What the job's payload brings along. */
  readonly job: readonly JobCredentials[];
}

export interface FoundCredentials {
  readonly auth: RegistryAuth;
  /** Named in the job's log. */
  readonly source: string;
}

/** The key that Docker's own programs store Docker Hub's credentials under. */
const HUB_SERVER = "https://index.docker.io/v1/";

/** A larger `config.json` is not one. Bytes. */
const LARGEST_FILE = 1 << 20;

/**
 * Undefined: the registry is asked without credentials. The longest match of all sources wins, and of
 * equally long ones the first. What cannot be used is named in a warning, without its content, and
 * the next match is tried.
 */
export async function findRegistryAuth(
  name: ImageName,
  sources: CredentialSources,
  log: JobLog,
  options: HelperOptions,
): Promise<FoundCredentials | undefined> {
  const candidates: Candidate[] = [];
  for await (const named of configFiles(sources, log)) {
    candidates.push(...await candidatesOf(name, named, log, options));
  }
  candidates.push(...jobCandidates(sources.job));
  for (const { source, get } of matching(name, candidates)) {
    try {
      const auth = await get();
      if (auth !== undefined) return { auth, source };
    } catch (error) {
      options.signal.throwIfAborted();
      log.warning(unusable(source, messageOf(error)));
    }
  }
  return undefined;
}

interface NamedConfig {
  readonly source: string;
  readonly config: DockerConfigFile;
}

async function* configFiles(
  sources: CredentialSources,
  log: JobLog,
): AsyncIterable<NamedConfig> {
  const parsed = function* (source: string, text: string): Iterable<NamedConfig> {
    const config = parseDockerConfig(text);
    if (config !== undefined) yield { source, config };
    else log.warning(unusable(source, "it is not JSON in the form of Docker's config.json", ALL));
  };
  if (sources.authConfig.trim() !== "") yield* parsed("$DOCKER_AUTH_CONFIG", sources.authConfig);
  if (!sources.home) return;
  // The older name counts where there is no file of the newer one.
  for (const path of [join(".docker", "config.json"), ".dockercfg"]) {
    const source = join(sources.home, path);
    try {
      const text = await readIfThere(source);
      if (text === undefined) continue;
      return yield* parsed(source, text);
    } catch (error) {
      log.warning(unusable(source, messageOf(error), ALL));
    }
  }
}

const ALL = "Credentials from this source will not be used";

/** In GitLab Runner's words. */
function unusable(source: string, why: string, effect = "They will not be used"): string {
  return `Failed to resolve credentials from ${source}: ${why}. ${effect}.`;
}

/** Only a regular file is opened: reading a pipe, say, would wait for its writer. */
async function readIfThere(path: string): Promise<string | undefined> {
  try {
    const { size } = await stat(path).then((it) => it.isFile() ? it : { size: Infinity });
    if (size > LARGEST_FILE) throw new Error("it is not a file of less than 1 MiB");
    return await Bun.file(path).text();
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
    throw error;
  }
}

/** One way to get credentials, for images below `prefix`. */
interface Candidate {
  readonly prefix: string;
  readonly source: string;
  get(): Promise<RegistryAuth | undefined> | RegistryAuth;
}

/** Of equally long ones the first is used. */
async function candidatesOf(
  name: ImageName,
  { source, config }: NamedConfig,
  log: JobLog,
  options: HelperOptions,
): Promise<readonly Candidate[]> {
  const { auths, undecodable, credHelpers, credsStore } = config;
  for (const key of undecodable) {
    log.warning(
      unusable(`"${key}" in ${source}`, '"auth" is not the base64 form of "user:password"'),
    );
  }
  const stored = credsStore === undefined
    ? []
    : await storedCandidates(name, credsStore, source, log, options);
  return [
    ...Object.entries(credHelpers).map(([key, helper]) => ({
      prefix: repositoryPrefix(key),
      source,
      get: () => helperCredentials(helper, key, options),
    })),
    ...stored,
    ...Object.entries(auths).map(([key, auth]) => ({
      prefix: repositoryPrefix(key),
      source,
      get: () => auth,
    })),
  ];
}

/**
 * What the store lists, and the registry itself: helpers that make credentials on request list none,
 * and some cannot list at all. One that can list may well refuse a registry that it is not for.
 */
async function storedCandidates(
  name: ImageName,
  store: string,
  source: string,
  log: JobLog,
  options: HelperOptions,
): Promise<readonly Candidate[]> {
  const own = name.registry === DOCKER_HUB ? HUB_SERVER : name.registry;
  const guess = () => helperCredentials(store, own, options);
  try {
    const listed = await helperServers(store, options);
    return [
      ...listed.map((key) => ({
        prefix: repositoryPrefix(key),
        source,
        get: () => helperCredentials(store, key, options),
      })),
      { prefix: name.registry, source, get: () => guess().catch(() => undefined) },
    ];
  } catch (error) {
    options.signal.throwIfAborted();
    if (error instanceof HelperRefusal) return [{ prefix: name.registry, source, get: guess }];
    log.warning(unusable(source, messageOf(error)));
    return [];
  }
}

function jobCandidates(credentials: readonly JobCredentials[]): readonly Candidate[] {
  return credentials.filter(({ type }) => type === "registry").map((
    { url, username, password },
  ) => ({
    prefix: repositoryPrefix(url),
    source: "job payload (GitLab Registry)",
    get: () => ({ username, password, serveraddress: url }),
  }));
}

/** Those whose prefix covers the image, the longest first. */
function matching(name: ImageName, candidates: readonly Candidate[]): readonly Candidate[] {
  const repository = repositoryOf(name);
  // Keys name official images of Docker Hub as users do.
  const names = [repository, repository.replace(/^docker\.io\/library\//, `${DOCKER_HUB}/`)];
  return candidates
    .filter(({ prefix }) => names.some((it) => it === prefix || it.startsWith(`${prefix}/`)))
    .toSorted((one, other) => other.prefix.length - one.prefix.length);
}
