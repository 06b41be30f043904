/** `id_tokens`: no server vouches for this machine, so their values are those that the user has set. */

import type { PipelineJob } from "../pipeline/pipeline.ts";
import type { Selection } from "../pipeline/select.ts";

/** Values by their names. */
export type IdTokens = Readonly<Record<string, string>>;

/** The tokens that the job asks for. */
export function idTokensOf({ config }: PipelineJob, given: IdTokens): IdTokens {
  return Object.fromEntries(
    Object.entries(given).filter(([name]) => Object.hasOwn(config.idTokens, name)),
  );
}

/** Names those that jobs ask for and nobody has set; a variable of that name does as well. */
export function namingMissing(selection: Selection, given: IdTokens): Selection {
  const lacking = selection.run.flatMap((job) => {
    const missing = Object.keys(job.config.idTokens).filter((name) =>
      !Object.hasOwn(given, name) && !job.variables.some(({ key }) => key === name)
    );
    return missing.length === 0 ? [] : [{ job, missing }];
  });
  const [first, ...more] = lacking;
  if (first === undefined) return selection;
  const { name, config } = first.job;
  const names = [...new Set(lacking.flatMap(({ missing }) => missing))].join(", ");
  const jobs = more.length === 0 ? name : `${name} and ${more.length} more`;
  const message = `id_tokens are not made here: set ${names} in [id_tokens] of ` +
    `gitlab-runner/exec-secrets.toml (${jobs})`;
  const warning = { message, place: config.place, keyword: "id_tokens", job: undefined };
  return { ...selection, warnings: [...selection.warnings, warning] };
}
