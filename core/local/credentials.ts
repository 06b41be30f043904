/**
 * `id_tokens` and `secrets` of jobs: no server vouches for this machine, and no vault is asked, so
 * their values are those that the user has set.
 */

import type { CiJob } from "../pipeline/ci_config.ts";
import type { PipelineJob } from "../pipeline/pipeline.ts";
import type { CiWarning } from "../pipeline/place.ts";
import type { Selection } from "../pipeline/select.ts";

/** Values by their names. */
type Values = Readonly<Record<string, string>>;

export interface Credentials {
  readonly idTokens: Values;
  readonly secrets: Values;
}

/** The tokens that the job asks for. */
export function idTokensOf({ config }: PipelineJob, { idTokens }: Credentials): Values {
  return askedFor(config.idTokens, idTokens);
}

export interface JobSecrets {
  /** Those that the job wants to find in a file, as it does unless it says otherwise. */
  readonly files: Values;
  readonly values: Values;
}

/** The secrets that the job asks for. */
export function secretsOf({ config }: PipelineJob, { secrets }: Credentials): JobSecrets {
  const asked = Object.entries(askedFor(config.secrets, secrets));
  const isValue = ([name]: readonly [string, string]) => isPlain(config.secrets[name]);
  return {
    files: Object.fromEntries(asked.filter((one) => !isValue(one))),
    values: Object.fromEntries(asked.filter(isValue)),
  };
}

/** Names those that jobs ask for and nobody has set; a variable of that name does as well. */
export function namingMissing(selection: Selection, given: Credentials): Selection {
  const warnings = [
    ...missing(selection.run, {
      keyword: "id_tokens",
      what: "are not made here",
      asked: ({ idTokens }) => idTokens,
      given: given.idTokens,
    }),
    ...missing(selection.run, {
      keyword: "secrets",
      what: "are not fetched here",
      asked: ({ secrets }) => secrets,
      given: given.secrets,
    }),
  ];
  return { ...selection, warnings: [...selection.warnings, ...warnings] };
}

interface Kind {
  readonly keyword: string;
  readonly what: string;
  readonly asked: (job: CiJob) => Readonly<Record<string, unknown>>;
  readonly given: Values;
}

function missing(
  jobs: readonly PipelineJob[],
  { keyword, what, asked, given }: Kind,
): readonly CiWarning[] {
  const lacking = jobs.flatMap((job) => {
    const names = Object.keys(asked(job.config)).filter((name) =>
      !Object.hasOwn(given, name) && !job.variables.some(({ key }) => key === name)
    );
    return names.length === 0 ? [] : [{ job, names }];
  });
  const [first, ...more] = lacking;
  if (first === undefined) return [];
  const { name, config } = first.job;
  const all = [...new Set(lacking.flatMap(({ names }) => names))].join(", ");
  const where = more.length === 0 ? name : `${name} and ${more.length} more`;
  const message = `${keyword} ${what}: set ${all} in [${keyword}] of ` +
    `gitlab-runner/exec-secrets.toml (${where})`;
  return [{ message, place: config.place, keyword, job: undefined }];
}

function askedFor(asked: Readonly<Record<string, unknown>>, given: Values): Values {
  return Object.fromEntries(
    Object.entries(given).filter(([name]) => Object.hasOwn(asked, name)),
  );
}

/** `file: false`. */
function isPlain(secret: unknown): boolean {
  return typeof secret === "object" && secret !== null && "file" in secret && secret.file === false;
}
