/** Docker's `config.json`: which credentials it holds, and which program holds the others. */

import { z } from "zod";
import { parseJson } from "../../../core/util/json.ts";
import type { RegistryAuth } from "../engine/mod.ts";
import { registryHost } from "./image_name.ts";

/** What one `config.json` or `DOCKER_AUTH_CONFIG` says. Keys are as written in it. */
export interface DockerConfigFile {
  readonly auths: Readonly<Record<string, RegistryAuth>>;
  /** Keys of `auths` whose `auth` is not base64 of `user:password`. */
  readonly undecodable: readonly string[];
  /** Registry to name of the helper that knows its credentials. */
  readonly credHelpers: Readonly<Record<string, string>>;
  /** The helper that knows all others. */
  readonly credsStore: string | undefined;
}

const AuthEntry = z.looseObject({
  auth: z.string().nullish(),
  username: z.string().nullish(),
  password: z.string().nullish(),
  identitytoken: z.string().nullish(),
  registrytoken: z.string().nullish(),
});
type AuthEntry = z.infer<typeof AuthEntry>;

const Auths = z.record(z.string(), AuthEntry);

const ConfigFile = z.looseObject({
  auths: Auths.nullish(),
  credHelpers: z.record(z.string(), z.string()).nullish(),
  credsStore: z.string().nullish(),
});

/**
 * Undefined: not of this form. What was wrong is not told, since it may quote a password. A file from
 * before Docker 1.7 (`.dockercfg`) holds the credentials alone.
 */
export function parseDockerConfig(text: string): DockerConfigFile | undefined {
  const json = parseJson(text);
  const parsed = ConfigFile.safeParse(json);
  if (!parsed.success) return undefined;
  const { auths, credHelpers, credsStore } = parsed.data;
  const isOld = auths === undefined && credHelpers === undefined && credsStore === undefined;
  const old = isOld ? Auths.safeParse(json) : undefined;
  return {
    ...decoded(old?.data ?? auths ?? {}),
    credHelpers: credHelpers ?? {},
    credsStore: credsStore || undefined,
  };
}

/**
 * A key such as `https://index.docker.io/v1/` as registry and path, to compare with an image's. As
 * GitLab Runner reads them, one with a scheme stands for its whole host, and a tag means nothing.
 */
export function repositoryPrefix(key: string): string {
  const address = key.trim().replace(/^https?:\/\//i, "");
  const [host = "", ...path] = address.split("/");
  if (address !== key.trim()) return registryHost(host);
  const rest = path.join("/").replace(/\/$/, "").replace(/:[^/]*$/, "");
  return rest === "" || /^v[12]$/.test(rest) ? registryHost(host) : `${registryHost(host)}/${rest}`;
}

function decoded(
  entries: Readonly<Record<string, AuthEntry>>,
): Pick<DockerConfigFile, "auths" | "undecodable"> {
  const auths: Record<string, RegistryAuth> = {};
  const undecodable: string[] = [];
  for (const [key, entry] of Object.entries(entries)) {
    const auth = authOf(entry);
    if (auth === "undecodable") undecodable.push(key);
    else if (auth !== undefined) auths[key] = { ...auth, serveraddress: key };
  }
  return { auths, undecodable };
}

/** Undefined: only a helper knows them, which leaves an empty entry behind. */
function authOf(entry: AuthEntry): RegistryAuth | "undecodable" | undefined {
  if (entry.identitytoken) return { identitytoken: entry.identitytoken };
  if (entry.registrytoken) return { registrytoken: entry.registrytoken };
  if (entry.auth) return basicAuth(entry.auth) ?? "undecodable";
  const { username, password } = entry;
  return username && typeof password === "string" ? { username, password } : undefined;
}

function basicAuth(auth: string): RegistryAuth | undefined {
  const base64 = auth.replaceAll(/\s/g, "");
  if (!/^[A-Za-z\d+/_-]*={0,2}$/.test(base64)) return undefined;
  const text = Buffer.from(base64, "base64").toString().replace(/\0+$/, "");
  const [, username, password] = /^([^:]+):(.*)$/s.exec(text) ?? [];
  return username === undefined || password === undefined ? undefined : { username, password };
}
