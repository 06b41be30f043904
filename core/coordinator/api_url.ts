/** Where a GitLab's API is, from the URL of a runner's configuration. */

import { ConfigurationError } from "../errors.ts";

/**
 * The API's base, ending in `/api/v4/`. A relative URL root is kept, the `/ci` of old configurations
 * is cut. Throws ConfigurationError when `url` is not an http or https URL.
 */
export function apiUrl(url: string): URL {
  const parsed = URL.parse(`${url.replace(/\/+$/, "").replace(/\/ci$/, "")}/api/v4/`);
  // "http:///x" has no host, but is read as one that has "x".
  if (parsed === null || !/^https?:\/\/[^/?#]/i.test(url.trim())) {
    throw new ConfigurationError(
      `Cannot use the coordinator URL "${url}": it has to look like https://gitlab.example.com`,
    );
  }
  return parsed;
}
