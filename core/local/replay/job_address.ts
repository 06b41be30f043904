/** Where a job of a server is: what the address of its page says. */

import { ConfigurationError } from "../../errors.ts";

export interface JobAddress {
  /** GitLab's address, without a slash at the end. */
  readonly serverUrl: string;
  /** `group/subgroup/name`. */
  readonly projectPath: string;
  readonly jobId: number;
}

/** With the `/-/` of today, or as GitLab wrote it before 12. */
const PATH = /^\/(.+?)(?:\/-)?\/jobs\/(\d+)(?:\/(?:raw|artifacts(?:\/browse)?))?\/?$/;

/**
 * What the address may mean: a GitLab at a path of its host has an address like that of a deeper
 * group. The likeliest comes first. Throws ConfigurationError for an address of something else.
 */
export function jobAddresses(text: string): readonly JobAddress[] {
  const url = URL.parse(text.trim());
  const [, path = "", id = ""] = PATH.exec(url?.pathname ?? "") ?? [];
  const parts = path.split("/").map(decodeURIComponent);
  if (url === null || !/^https?:$/.test(url.protocol) || parts.length < 2 || parts.includes("")) {
    throw new ConfigurationError(
      `Invalid value "${
        withoutCredentials(url, text)
      }" for --job-url: use the address of a job's ` +
        "page, such as https://gitlab.example.com/group/project/-/jobs/123",
    );
  }
  return Array.from({ length: parts.length - 1 }, (_, root) => ({
    serverUrl: [url.origin, ...parts.slice(0, root)].join("/"),
    projectPath: parts.slice(root).join("/"),
    jobId: Number(id),
  }));
}

/** Whoever put a token into the address does not get to see it in a log. */
function withoutCredentials(url: URL | null, text: string): string {
  if (url === null) return text;
  return url.password === "" && url.username === "" ? text : `${url.origin}${url.pathname}`;
}
