/** Which token opens which GitLab. Tokens come from the environment or a private file, never from flags. */

import { Secret } from "../../util/secret.ts";

/** A variable of the user's for one call; no job, nor any other child, gets to see it. */
export const TOKEN_VARIABLE = "EXEC_GITLAB_TOKEN";

export interface AccessTokens {
  /** From the environment: for the GitLab that this call is about. */
  readonly given: Secret | undefined;
  /** `gitlab_token` of the secrets file: for the GitLab of the repository's remote. */
  readonly own: Secret | undefined;
  /** `gitlab_tokens` of the secrets file, by host, with the port if there is one. */
  readonly byHost: Readonly<Record<string, Secret>>;
}

export interface TakenToken {
  readonly token: Secret | undefined;
  /** The environment without it. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Takes the token out of an environment that others are to see. */
export function takeToken(env: Readonly<Record<string, string | undefined>>): TakenToken {
  const { [TOKEN_VARIABLE]: value, ...rest } = env;
  return { token: value ? new Secret(value) : undefined, env: rest };
}

/** `own` is the address of the GitLab that the repository's remote names. */
export function tokenFor(
  server: string,
  tokens: AccessTokens,
  own: string | undefined,
): Secret | undefined {
  const { host } = new URL(server);
  return tokens.given ?? tokens.byHost[host] ??
    (own !== undefined && new URL(own).origin === new URL(server).origin ? tokens.own : undefined);
}

/** How a token is shown to GitLab: its API takes each kind in a header of its own, git by a user's name. */
export interface TokenUse {
  readonly header: "PRIVATE-TOKEN" | "JOB-TOKEN" | "Authorization";
  readonly value: Secret;
  readonly gitUser: string;
}

const JOB_TOKEN = /^glcbt-/;
/** Of an OAuth application, as `glab auth login` gets one: it has no prefix. */
const OAUTH_TOKEN = /^[0-9a-f]{64}$/;

export function useOf(token: Secret): TokenUse {
  const text = token.reveal();
  if (JOB_TOKEN.test(text)) {
    return { header: "JOB-TOKEN", value: token, gitUser: "gitlab-ci-token" };
  }
  return OAUTH_TOKEN.test(text)
    ? { header: "Authorization", value: new Secret(`Bearer ${text}`), gitUser: "oauth2" }
    : { header: "PRIVATE-TOKEN", value: token, gitUser: "oauth2" };
}
