/** Whose credentials a registry gets: the sources in GitLab's order, the longest match in each. */

import { stat } from "node:fs/promises";
import { join } from "node:path";
import { codeOf, messageOf } from "../../../core/errors.ts";
import type { JobLog } from "../../../core/executor.ts";
import type { JobCredentials } from "../../../core/job/response.ts";
import type { RegistryAuth } from "../engine/mod.ts";
import { helperCredentials, type HelperOptions, helperServers } from "./credential_helper.ts";
import {
  type DockerConfigFile,
  parseDockerConfig,
  parseLegacyConfig,
  repositoryPrefix,
} from "./docker_config.ts";
import { DOCKER_HUB, type ImageName, repositoryOf } from "./image_name.ts";

/** Where to look, in this order. */
export interface CredentialSources {
  /** Values of `DOCKER_AUTH_CONFIG`: the job's, then the one of the entry's `environment`. */
  readonly variables: readonly string[];
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
 * Undefined: the registry is asked without credentials. A source that cannot be used is named in a
 * warning, without its content, and the next one is tried.
 */
export async function findRegistryAuth(
  name: ImageName,
  sources: CredentialSources,
  log: JobLog,
  options: HelperOptions,
): Promise<FoundCredentials | undefined> {
  for await (const { source, config } of configFiles(sources, log)) {
    const auth = await authFromConfig(name, config, source, log, options);
    if (auth !== undefined) return { auth, source };
  }
  const auth = authFromJob(name, sources.job);
  return auth === undefined ? undefined : { auth, source: "job payload (GitLab Registry)" };
}

interface NamedConfig {
  readonly source: string;
  readonly config: DockerConfigFile;
}

async function* configFiles(
  sources: CredentialSources,
  log: JobLog,
): AsyncIterable<NamedConfig> {
  for (const text of sources.variables) {
    if (text.trim() === "") continue;
    const config = parseDockerConfig(text);
    if (config !== undefined) yield { source: "$DOCKER_AUTH_CONFIG", config };
    else log.warning("Cannot use DOCKER_AUTH_CONFIG: it is not JSON in the form of config.json");
  }
  if (!sources.home) return;
  const files = [
    { source: join(sources.home, ".docker", "config.json"), parse: parseDockerConfig },
    { source: join(sources.home, ".dockercfg"), parse: parseLegacyConfig },
  ];
  for (const { source, parse } of files) {
    try {
      const text = await readIfThere(source);
      if (text === undefined) continue;
      const config = parse(text);
      if (config !== undefined) yield { source, config };
      else log.warning(`Cannot use "${source}": it is not JSON in the form of config.json`);
    } catch (error) {
      log.warning(`Cannot read "${source}": ${messageOf(error)}`);
    }
  }
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
  get(): Promise<RegistryAuth | undefined> | RegistryAuth;
}

async function authFromConfig(
  name: ImageName,
  config: DockerConfigFile,
  source: string,
  log: JobLog,
  options: HelperOptions,
): Promise<RegistryAuth | undefined> {
  const { auths, credHelpers, credsStore } = config;
  // Of equally long ones the first is used.
  const candidates: Candidate[] = [
    ...Object.entries(credHelpers).map(([key, helper]) => ({
      prefix: repositoryPrefix(key),
      get: () => helperCredentials(helper, key, options),
    })),
    ...credsStore === undefined ? [] : await storedCandidates(name, credsStore, options),
    ...Object.entries(auths).map(([key, auth]) => ({
      prefix: repositoryPrefix(key),
      get: () => auth,
    })),
  ];
  for (const { get } of matching(name, candidates)) {
    try {
      const auth = await get();
      if (auth !== undefined) return auth;
    } catch (error) {
      options.signal.throwIfAborted();
      log.warning(`Cannot use credentials from ${source}: ${messageOf(error)}`);
    }
  }
  return undefined;
}

/**
 * What the store lists, and the registry itself: helpers that make credentials on request list none,
 * and some cannot list at all. One that can list may well refuse a registry that it is not for.
 */
async function storedCandidates(
  name: ImageName,
  store: string,
  options: HelperOptions,
): Promise<readonly Candidate[]> {
  const own = name.registry === DOCKER_HUB ? HUB_SERVER : name.registry;
  const listed = await helperServers(store, options).catch(() => undefined);
  options.signal.throwIfAborted();
  const guess = () => helperCredentials(store, own, options);
  return [
    ...(listed ?? []).map((key) => ({
      prefix: repositoryPrefix(key),
      get: () => helperCredentials(store, key, options),
    })),
    {
      prefix: name.registry,
      get: listed === undefined ? guess : () => guess().catch(() => undefined),
    },
  ];
}

function authFromJob(
  name: ImageName,
  credentials: readonly JobCredentials[],
): RegistryAuth | undefined {
  const registries = credentials.filter(({ type }) => type === "registry");
  const [best] = matching(
    name,
    registries.map((entry) => ({ ...entry, prefix: repositoryPrefix(entry.url) })),
  );
  if (best === undefined) return undefined;
  return { username: best.username, password: best.password, serveraddress: best.url };
}

/** Those whose prefix covers the image, the longest first. */
function matching<T extends { readonly prefix: string }>(
  name: ImageName,
  candidates: readonly T[],
): readonly T[] {
  const repository = repositoryOf(name);
  return candidates
    .filter(({ prefix }) => repository === prefix || repository.startsWith(`${prefix}/`))
    .toSorted((one, other) => other.prefix.length - one.prefix.length);
}
