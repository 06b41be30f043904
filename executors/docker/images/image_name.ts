/** Names of images: what a reference says, and what it leaves to the defaults. */

export interface ImageName {
  /** `docker.io`, `registry.example.com:5000`. */
  readonly registry: string;
  /** `library/debian`, `group/project/image`. */
  readonly path: string;
  readonly tag: string | undefined;
  /** `sha256:…`; what it names never changes. */
  readonly digest: string | undefined;
}

export const DOCKER_HUB = "docker.io";

/** Names under which references and credentials know Docker Hub. */
const HUB_HOSTS = ["docker.io", "index.docker.io", "registry-1.docker.io"];

const HOST = /^(?:[a-z\d](?:[a-z\d.-]*[a-z\d])?|\[[a-f\d:]+\])(?::\d+)?$/i;
const PATH = /^[a-z\d]+(?:(?:\.|_|__|-+|\/)[a-z\d]+)*$/;
const REFERENCE =
  /^(?<name>[^@]*?)(?::(?<tag>\w[\w.-]{0,127}))?(?:@(?<digest>[\w+.-]+:[a-f\d]{32,}))?$/;

/** The longest name that registries take. */
const LONGEST_NAME = 255;

/** Undefined: Docker would not take it as a reference. An image's id is not a name. */
export function parseImageName(reference: string): ImageName | undefined {
  const { name, tag, digest } = REFERENCE.exec(reference)?.groups ?? {};
  if (name === undefined || name.length > LONGEST_NAME || isImageId(reference)) return undefined;
  const slash = name.indexOf("/");
  const first = name.slice(0, Math.max(slash, 0));
  const hasHost = /[.:[]|^localhost$|[A-Z]/.test(first);
  const registry = hasHost ? registryHost(first) : DOCKER_HUB;
  const rest = hasHost ? name.slice(slash + 1) : name;
  if (!HOST.test(registry) || !PATH.test(rest)) return undefined;
  const path = registry === DOCKER_HUB && !rest.includes("/") ? `library/${rest}` : rest;
  return { registry, path, tag, digest };
}

/** Registry and path: what credentials are for. */
export function repositoryOf(name: ImageName): string {
  return `${name.registry}/${name.path}`;
}

/** Two references with the same identity mean the same image. */
export function identityOf(name: ImageName): string {
  const version = name.digest === undefined ? `:${name.tag ?? "latest"}` : `@${name.digest}`;
  return repositoryOf(name) + version;
}

/** `sha256:` with 64 digits, or these alone: an image that no registry could be asked for. */
export function isImageId(reference: string): boolean {
  return /^(?:sha256:)?[a-f\d]{64}$/.test(reference);
}

/** A registry's host in the one form to compare. */
export function registryHost(host: string): string {
  const lower = host.toLowerCase();
  return HUB_HOSTS.includes(lower) ? DOCKER_HUB : lower;
}
