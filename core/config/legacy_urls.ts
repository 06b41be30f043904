/** Addresses in the form that GitLab Runner wanted before 1.10. */

import type { RunnerConfig } from "./schema.ts";

/** One sentence per entry whose URL ends in `/ci`, which is cut wherever the API is called. */
export function legacyUrls(runners: readonly RunnerConfig[]): readonly string[] {
  return runners.filter(({ url }) => /\/ci\/*$/.test(url)).map(({ name, url }) =>
    `runners[${name}].url: The runner URL contains a legacy '/ci' suffix, which has no meaning any ` +
    `more; write "${url.replace(/\/ci\/*$/, "")}". See ` +
    "https://docs.gitlab.com/runner/configuration/advanced-configuration/#legacy-ci-url-suffix"
  );
}
