/** Which version of the engine's API is spoken. */

import { ConfigurationError } from "../../../core/errors.ts";
import { EngineError } from "./engine_error.ts";

/** The newest version whose answers we know. */
const NEWEST = "1.47";

/** Docker 1.13: the first whose exec takes an environment. */
const OLDEST = "1.25";

/** The version to speak with an engine whose newest is `theirs`; undefined: it did not say. */
export function negotiate(theirs: string | undefined, address: string): string {
  const spoken = theirs ?? "1.24";
  if (!isVersion(spoken) || isOlder(spoken, OLDEST)) {
    throw new EngineError(
      "bad-request",
      `The Docker Engine at "${address}" speaks API version ${spoken}; ` +
        `${OLDEST} or later is needed (Docker 1.13)`,
    );
  }
  return isOlder(spoken, NEWEST) ? spoken : NEWEST;
}

/** Checks a version that the user has fixed (`DOCKER_API_VERSION`). */
export function fixedVersion(version: string): string {
  if (!isVersion(version) || isOlder(version, OLDEST)) {
    throw new ConfigurationError(
      `DOCKER_API_VERSION "${version}" is not usable: it must be ${OLDEST} or later`,
    );
  }
  return version;
}

function isVersion(text: string): boolean {
  return /^\d{1,4}\.\d{1,4}$/.test(text);
}

function isOlder(version: string, than: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [thanMajor = 0, thanMinor = 0] = than.split(".").map(Number);
  return major === thanMajor ? minor < thanMinor : major < thanMajor;
}
