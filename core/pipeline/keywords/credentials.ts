/** `id_tokens`, `secrets` and a job's `inputs`. */

import type { CiJob } from "../ci_config.ts";
import { child, isString, type Plain, toPlain } from "../yaml/node.ts";
import { plainRecord } from "./artifacts.ts";
import { Entry, type MappingEntry } from "./entry.ts";

const SECRET_PROVIDERS = [
  "vault",
  "azure_key_vault",
  "gcp_secret_manager",
  "aws_secrets_manager",
  "akeyless",
  "gitlab_secrets_manager",
];
const INPUT_KEYS = ["type", "description", "options", "regex", "default"];
const TYPES: Readonly<Record<string, (value: Plain) => boolean>> = {
  string: (value) => typeof value === "string",
  number: (value) => typeof value === "number",
  boolean: (value) => typeof value === "boolean",
  array: (value) => Array.isArray(value),
};

export function readIdTokens(entry: Entry): CiJob["idTokens"] {
  const tokens: [string, { readonly aud: readonly string[] }][] = [];
  for (const token of mappingsOf(entry)) {
    token.entry.checkKeys(["aud"]);
    token.entry.checkRequired(["aud"]);
    const aud = token.entry.stringOrStrings("aud");
    if (aud !== undefined) tokens.push([token.key, { aud }]);
  }
  return Object.fromEntries(tokens);
}

export function readSecrets(entry: Entry): CiJob["secrets"] {
  const secrets: [string, unknown][] = [];
  for (const secret of mappingsOf(entry)) {
    secret.entry.checkKeys([...SECRET_PROVIDERS, "file", "token"]);
    secret.entry.boolean("file");
    secret.entry.string("token");
    const given = SECRET_PROVIDERS.filter((name) => child(secret.entry.node, name) !== undefined);
    if (given.length === 0) {
      secret.entry.report(
        `config must use exactly one of these keys: ${SECRET_PROVIDERS.join(", ")}`,
      );
    }
    secrets.push([secret.key, plainRecord(secret.entry)]);
  }
  return Object.fromEntries(secrets);
}

/** Their values: the defaults, for nobody but the server's run form gives others. */
export function readJobInputs(entry: Entry): CiJob["inputs"] {
  const values: [string, Plain][] = [];
  for (const input of mappingsOf(entry)) {
    input.entry.checkKeys(INPUT_KEYS);
    const value = child(input.entry.node, "default");
    if (value === undefined) {
      input.entry.report("must have a default value");
      continue;
    }
    const type = child(input.entry.node, "type");
    const name = isString(type) ? type.value : "string";
    const plain = toPlain(value);
    if (TYPES[name] === undefined) {
      input.entry.report(`type unknown value: ${name}`, type);
    } else if (!TYPES[name](plain)) {
      const job = entry.name.split(":").slice(0, -1).join(":");
      const article = name === "array" ? "an" : "a";
      const sentence = `inputs \`${input.key}\`: default value is not ${article} ${name}`;
      new Entry(value, job, entry.context).report(sentence);
    }
    values.push([input.key, plain]);
  }
  return Object.fromEntries(values);
}

function mappingsOf(
  entry: Entry,
): readonly { readonly key: string; readonly entry: MappingEntry }[] {
  const whole = entry.asMapping();
  return [...whole?.node.entries ?? []].flatMap(([key, { value }]) => {
    const item = entry.below(key, value);
    if (item.isMapping()) return [{ key, entry: item }];
    item.report("config should be a hash");
    return [];
  });
}
