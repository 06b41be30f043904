/** `id_tokens` and `secrets`. */

import type { CiJob } from "../ci_config.ts";
import { child } from "../yaml/node.ts";
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
    if (given.length !== 1) {
      secret.entry.report(
        `config must use exactly one of these keys: ${SECRET_PROVIDERS.join(", ")}`,
      );
    }
    secrets.push([secret.key, plainRecord(secret.entry)]);
  }
  return Object.fromEntries(secrets);
}

/** The members of a mapping that have to be mappings themselves. */
export function mappingsOf(
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
