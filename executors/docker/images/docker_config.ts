/** Docker's `config.json`: which credentials it holds, and which program holds the others. */

import { z } from "zod";
import type { RegistryAuth } from "../engine/mod.ts";
import { registryHost } from "./image_name.ts";

/** What one `config.json` or `DOCKER_AUTH_CONFIG` says. Keys are as written in it. */
export interface DockerConfigFile {
  readonly auths: Readonly<Record<string, RegistryAuth>>;
  /** Registry to name of the helper that knows its credentials. */
  readonly credHelpers: Readonly<Record<string, string>>;
  /** The helper that knows all others. */
  readonly credsStore: string | undefined;
}

const AuthEntry = z.looseObject({
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  identitytoken: z.string().optional(),
  registrytoken: z.string().optional(),
});
type AuthEntry = z.infer<typeof AuthEntry>;

const Auths = z.record(z.string(), AuthEntry);

const ConfigFile = z.looseObject({
  auths: Auths.nullish(),
  credHelpers: z.record(z.string(), z.string()).nullish(),
  credsStore: z.string().nullish(),
});

/** Undefined: not of this form. What was wrong is not told, since it may quote a password. */
export function parseDockerConfig(text: string): DockerConfigFile | undefined {
  const parsed = ConfigFile.safeParse(parseJson(text));
  if (!parsed.success) return undefined;
  const { auths, credHelpers, credsStore } = parsed.data;
  return {
    auths: usable(auths ?? {}),
    credHelpers: credHelpers ?? {},
    credsStore: credsStore || undefined,
  };
}

/** `.dockercfg`, from before Docker 1.7: the credentials alone. */
export function parseLegacyConfig(text: string): DockerConfigFile | undefined {
  const parsed = Auths.safeParse(parseJson(text));
  if (!parsed.success) return undefined;
  return { auths: usable(parsed.data), credHelpers: {}, credsStore: undefined };
}

/** A key such as `https://index.docker.io/v1/` as registry and path, to compare with an image's. */
export function repositoryPrefix(key: string): string {
  const [host = "", ...path] = key.trim().replace(/^https?:\/\//i, "").split("/");
  const rest = path.join("/").replace(/^v[12]\/?$|\/$/, "");
  return rest === "" ? registryHost(host) : `${registryHost(host)}/${rest}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function usable(entries: Readonly<Record<string, AuthEntry>>): Record<string, RegistryAuth> {
  return Object.fromEntries(
    Object.entries(entries).flatMap(([key, entry]) => {
      const auth = authOf(entry);
      return auth === undefined ? [] : [[key, { ...auth, serveraddress: key }]];
    }),
  );
}

/** Undefined: only a helper knows them, which leaves an empty entry behind. */
function authOf(entry: AuthEntry): RegistryAuth | undefined {
  if (entry.identitytoken) return { identitytoken: entry.identitytoken };
  if (entry.registrytoken) return { registrytoken: entry.registrytoken };
  const [, user, word] = /^([^:]*):(.*)$/s.exec(
    Buffer.from(entry.auth ?? "", "base64").toString().replace(/\0+$/, ""),
  ) ?? [];
  const username = user ?? entry.username;
  const password = word ?? entry.password;
  return username && password !== undefined ? { username, password } : undefined;
}
