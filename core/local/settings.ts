/** What a user has set once for all local runs: files in the repository and in the home directory. */

import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { z } from "zod";
import { ConfigurationError } from "../errors.ts";
import type { PipelineVariable } from "../pipeline/pipeline.ts";
import type { Credentials } from "./credentials.ts";
import type { AccessTokens } from "./gitlab/access_token.ts";
import type { EntrySettings } from "./runner_entries.ts";
import type { Variables } from "./settings_schema.ts";

export interface LocalSettings {
  readonly concurrency: number | undefined;
  readonly executor: string | undefined;
  readonly variables: Readonly<Record<string, PipelineVariable>>;
  readonly credentials: Credentials;
  /** Open other projects of GitLab for `include`, and jobs for `--job-url`. */
  readonly tokens: Omit<AccessTokens, "given">;
  readonly runner: EntrySettings;
}

const NOTHING_SET: LocalSettings = {
  concurrency: undefined,
  executor: undefined,
  variables: {},
  credentials: { idTokens: {}, secrets: {} },
  tokens: { own: undefined, byHost: {} },
  runner: {},
};

const REPOSITORY_FILE = ".runner-exec.toml";
const HOME_FILE = "gitlab-runner/exec.toml";
const SECRETS_FILE = "gitlab-runner/exec-secrets.toml";

/** The repository's file wins over the one in the home directory. Throws ConfigurationError. */
export async function loadSettings(options: {
  readonly root: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}): Promise<LocalSettings> {
  const configHome = options.env["XDG_CONFIG_HOME"] || join(options.home, ".config");
  const paths = [join(configHome, HOME_FILE), join(options.root, REPOSITORY_FILE)];
  const secretsPath = join(configHome, SECRETS_FILE);
  if (![...paths, secretsPath].some((path) => existsSync(path))) return NOTHING_SET;
  const { Secrets, Settings } = await import("./settings_schema.ts");
  const { parseDocument } = await import("../config/load.ts");
  const read = <T extends z.ZodType>(path: string, schema: T) =>
    existsSync(path)
      ? checked(path, schema, parseDocument(readFileSync(path, "utf8"), path))
      : undefined;
  const files = paths.flatMap((path) => read(path, Settings) ?? []);
  assertPrivate(secretsPath);
  const secrets = read(secretsPath, Secrets);
  return {
    concurrency: files.findLast((each) => each.concurrency !== undefined)?.concurrency,
    executor: files.findLast((each) => each.executor !== undefined)?.executor,
    variables: {
      ...Object.assign({}, ...files.map((each) => variablesOf(each.variables, false))),
      ...variablesOf(secrets?.variables ?? {}, true),
    },
    credentials: { idTokens: secrets?.id_tokens ?? {}, secrets: secrets?.secrets ?? {} },
    tokens: { own: secrets?.gitlab_token, byHost: secrets?.gitlab_tokens ?? {} },
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

function checked<T extends z.ZodType>(path: string, schema: T, document: unknown): z.infer<T> {
  const parsed = schema.safeParse(document);
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
