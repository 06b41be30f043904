/** Git's configuration for one job: what goes into `.git/config`, and what every call gets by `-c`. */

import { COMPATIBLE_VERSION, goPlatform } from "../../version.ts";
import type { PlanContext } from "../context.ts";

/** The repository as git is told of it: without credentials. */
export interface Repository {
  readonly url: string;
  /** `https://host:port`: what TLS files are for. Empty for a local path and for SSH. */
  readonly origin: string;
}

/** Where to fetch from: the payload's URL, or the project below `clone_url`. */
export function repository(context: PlanContext): Repository {
  const given = URL.parse(context.spec.git.repo_url);
  const base = URL.parse(context.runner.clone_url);
  if (given === null) return { url: context.spec.git.repo_url, origin: "" };
  const url = new URL(base ?? given);
  if (base !== null) url.pathname = pathBelow(base, given, context);
  url.password = "";
  if (url.protocol !== "ssh:") url.username = "";
  else if (url.username === "") url.username = "git";
  return { url: url.href, origin: httpOrigin(url) };
}

/** A relative URL root is in both addresses, so the payload's path is only the second choice. */
function pathBelow(base: URL, given: URL, context: PlanContext): string {
  const project = context.variables.get("CI_PROJECT_PATH");
  const root = base.pathname.replace(/\/+$/, "");
  return project === "" ? `${root}${given.pathname}` : `${root}/${project}.git`;
}

/**
 * Every address of this coordinator that the job's token opens: submodules may name another one
 * than the job's own repository does. Empty for a repository that asks for no credentials.
 */
function credentialOrigins(context: PlanContext): readonly (readonly [string, string])[] {
  const given = URL.parse(context.spec.git.repo_url);
  const username = decodeURIComponent(given?.username ?? "") ||
    (context.runner.clone_url === "" ? "" : "gitlab-ci-token");
  if (!/^[\w.-]+$/.test(username)) return [];
  const origins = [
    repository(context).origin,
    httpOrigin(given),
    httpOrigin(URL.parse(context.runner.url)),
  ];
  return [...new Set(origins)].filter((origin) => origin !== "").map((each) => [each, username]);
}

function httpOrigin(url: URL | null): string {
  return url !== null && /^https?:$/.test(url.protocol) ? url.origin : "";
}

type Setting = readonly [key: string, value: string];

/**
 * A credential helper that holds no secret itself: it hands on the token that the job's environment
 * has anyway, so that nothing of it is in an argument, on disk, or left for the next job.
 */
const TOKEN_HELPER = '!f() { test "$1" = get || exit 0; echo username=USER; ' +
  'echo "password=$CI_JOB_TOKEN"; }; f';

/** What makes git reach the coordinator as this job. Contains no secret. */
export function accessSettings(context: PlanContext): readonly Setting[] {
  const { origin } = repository(context);
  return [
    ...(origin === "" ? [] : httpSettings(context, origin)),
    ...credentialOrigins(context).flatMap(([each, username]): readonly Setting[] => [
      [`credential.${each}.helper`, ""],
      [`credential.${each}.helper`, TOKEN_HELPER.replace("USER", username)],
    ]),
  ];
}

function httpSettings(context: PlanContext, origin: string): readonly Setting[] {
  const { os, arch } = goPlatform();
  const settings: Setting[] = [
    ["http.userAgent", `gitlab-runner ${COMPATIBLE_VERSION} ${os}/${arch}`],
  ];
  const tlsFiles = [
    ["sslCAInfo", "CI_SERVER_TLS_CA_FILE"],
    ["sslCert", "CI_SERVER_TLS_CERT_FILE"],
    ["sslKey", "CI_SERVER_TLS_KEY_FILE"],
  ] as const;
  for (const [key, variable] of tlsFiles) {
    const path = context.variables.get(variable);
    if (path !== "") settings.push([`http.${origin}.${key}`, path]);
  }
  if (context.flags.FF_USE_GITALY_CORRELATION_ID) {
    const header = `X-Gitaly-Correlation-ID: ${context.correlationId}`;
    settings.push([`http.${origin}.extraHeader`, header]);
  }
  if (context.flags.FF_USE_GIT_PROACTIVE_AUTH) {
    settings.push([`http.${origin}.proactiveAuth`, "basic"]);
  }
  return settings;
}

/**
 * Options of every git call of ours. A checkout belongs to whatever job used it last, so nothing it
 * may have planted (hooks, a file-system monitor) is let run.
 */
export const GUARD_OPTIONS: readonly string[] = options([
  ["core.hooksPath", "/dev/null"],
  ["core.fsmonitor", "false"],
]);

/** Settings as `-c key=value` words. */
export function options(settings: readonly Setting[]): readonly string[] {
  return settings.flatMap(([key, value]) => ["-c", `${key}=${value}`]);
}

/**
 * With `FF_GIT_URLS_WITHOUT_TOKENS`, what git reads in place of the user's own configuration, so
 * that the job's credentials reach the coordinator from any directory. No secret in it.
 */
export function globalConfigFile(context: PlanContext): string {
  return accessSettings(context)
    .filter(([key]) => key.startsWith("credential."))
    .map(([key, value]) => entry(key, value)).join("");
}

/** The whole text of `.git/config`. Replacing the file undoes whatever an earlier job set. */
export function configFile(context: PlanContext): string {
  const sha256 = context.spec.git.repo_object_format === "sha256";
  const settings: Setting[] = [
    ["core.repositoryformatversion", sha256 ? "1" : "0"],
    ["core.filemode", "true"],
    ["core.bare", "false"],
    ["core.logallrefupdates", "true"],
    ...(sha256 ? [["extensions.objectformat", "sha256"] as const] : []),
    ["fetch.recurseSubmodules", "false"],
    ["credential.interactive", "never"],
    ["gc.autoDetach", "false"],
    ...(context.flags.FF_USE_GIT_BUNDLE_URIS ? [["transfer.bundleURI", "true"] as const] : []),
    ["remote.origin.url", repository(context).url],
    ["remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"],
    ...accessSettings(context),
  ];
  return settings.map(([key, value]) => entry(key, value)).join("");
}

/** `section.name` or `section.<any text>.name` as lines of a config file. */
function entry(key: string, value: string): string {
  const first = key.indexOf(".");
  const last = key.lastIndexOf(".");
  const subsection = first === last ? "" : ` "${escape(key.slice(first + 1, last))}"`;
  return `[${key.slice(0, first)}${subsection}]\n\t${key.slice(last + 1)} = "${escape(value)}"\n`;
}

function escape(text: string): string {
  return text.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n");
}
