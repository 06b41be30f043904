/** What a user has set once for all local runs: files in the repository and in the home directory. */

import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { parseDocument } from "../config/load.ts";
import { ConfigurationError } from "../errors.ts";
import { Secret } from "../util/secret.ts";
import type { PipelineVariable } from "../pipeline/pipeline.ts";
import type { EntrySettings } from "./runner_entries.ts";

const Variable = z.union([
  z.string(),
  z.number().transform(String),
  z.boolean().transform(String),
  z.strictObject({
    value: z.string(),
    file: z.boolean().default(false),
    masked: z.boolean().default(false),
    expand: z.boolean().default(true),
  }),
]);

const Variables = z.record(z.string().regex(/^[A-Za-z_]\w*$/, "is not a variable's name"), Variable)
  .default({});

const Settings = z.strictObject({
  /** Jobs that run at the same time. */
  concurrency: z.int().positive().optional(),
  executor: z.string().optional(),
  variables: Variables,
  /** Keys of a `[[runners]]` entry, as in config.toml. */
  runner: z.record(z.string(), z.unknown()).default({}),
});

const Secrets = z.strictObject({
  /** Masked in every log. */
  variables: Variables,
  /** Values for `id_tokens`, by their names. */
  id_tokens: z.record(z.string(), z.string()).default({}),
  /** Reads files of other projects on the GitLab that the repository comes from. */
  gitlab_token: z.string().transform((token) => new Secret(token)).optional(),
});

export interface LocalSettings {
  readonly concurrency: number | undefined;
  readonly executor: string | undefined;
  readonly variables: Readonly<Record<string, PipelineVariable>>;
  readonly idTokens: Readonly<Record<string, string>>;
  readonly gitlabToken: Secret | undefined;
  readonly runner: EntrySettings;
}

const REPOSITORY_FILE = ".runner-exec.toml";
const HOME_FILE = "gitlab-runner/exec.toml";
const SECRETS_FILE = "gitlab-runner/exec-secrets.toml";

/** The repository's file wins over the one in the home directory. Throws ConfigurationError. */
export function loadSettings(options: {
  readonly root: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}): LocalSettings {
  const configHome = options.env["XDG_CONFIG_HOME"] || join(options.home, ".config");
  const files = [join(configHome, HOME_FILE), join(options.root, REPOSITORY_FILE)]
    .flatMap((path) => read(path, Settings) ?? []);
  const secretsPath = join(configHome, SECRETS_FILE);
  assertPrivate(secretsPath);
  const secrets = read(secretsPath, Secrets);
  return {
    concurrency: files.findLast((each) => each.concurrency !== undefined)?.concurrency,
    executor: files.findLast((each) => each.executor !== undefined)?.executor,
    variables: {
      ...Object.assign({}, ...files.map((each) => variablesOf(each.variables, false))),
      ...variablesOf(secrets?.variables ?? {}, true),
    },
    idTokens: secrets?.id_tokens ?? {},
    gitlabToken: secrets?.gitlab_token,
    runner: merged(files.map((each) => each.runner)),
  };
}

function variablesOf(
  given: z.infer<typeof Variables>,
  secret: boolean,
): Record<string, PipelineVariable> {
  return Object.fromEntries(
    Object.entries(given).map(([key, one]) => {
      const variable = typeof one === "string"
        ? { value: one, file: false, masked: false, expand: true }
        : one;
      return [key, secret ? { ...variable, masked: true, expand: false } : variable];
    }),
  );
}

/** Tables merge key by key; anything else is replaced. */
function merged(tables: readonly EntrySettings[]): EntrySettings {
  return tables.reduce<EntrySettings>((all, table) => mergeTables(all, table), {});
}

export function mergeTables(below: EntrySettings, above: EntrySettings): EntrySettings {
  const result: Record<string, unknown> = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const old = result[key];
    result[key] = isTable(old) && isTable(value) ? mergeTables(old, value) : value;
  }
  return result;
}

function isTable(value: unknown): value is EntrySettings {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function read<T extends z.ZodType>(path: string, schema: T): z.infer<T> | undefined {
  if (!existsSync(path)) return undefined;
  const parsed = schema.safeParse(parseDocument(readFileSync(path, "utf8"), path));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) =>
    `${path}: ${issue.path.join(".") || "file"}: ${issue.message}`
  );
  throw new ConfigurationError(problems.join("\n"));
}

function assertPrivate(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined || (found.mode & 0o077) === 0 || process.platform === "win32") return;
  const mode = (found.mode & 0o777).toString(8);
  throw new ConfigurationError(
    `"${path}" holds secrets and others may read it (mode ${mode}): run chmod 600 "${path}"`,
  );
}
