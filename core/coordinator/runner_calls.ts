/** Calls about the runner itself: register, verify, unregister, reset its token. */

import { Secret } from "../util/secret.ts";
import { type Answer, errorMessage, jsonOf, mediaType, rejected, statusLine } from "./answer.ts";
import type {
  Forbidden,
  RegisteredRunner,
  RegistrationOutcome,
  RegistrationRequest,
  RunnerInfo,
  TokenResetOutcome,
  Unreachable,
  UnregistrationOutcome,
  VerificationOutcome,
} from "./coordinator.ts";
import { infoBody, type RunnerApi } from "./runner_api.ts";

/** Tokens of runners made in the UI: only their managers come and go, the runner stays. */
const MANAGED_PREFIX = "glrt-";

export async function registerRunner(
  api: RunnerApi,
  request: RegistrationRequest,
  options: { signal: AbortSignal },
): Promise<RegistrationOutcome> {
  const answer = await api.json({
    method: "POST",
    path: "runners",
    header: { header: "Runner-Token", value: request.token },
    body: registrationBody(request),
  }, options);
  if ("kind" in answer) return answer;
  switch (answer.status) {
    case 201: {
      const runner = registeredRunner(answer);
      return runner === undefined ? undecodable(answer) : { kind: "registered", runner };
    }
    case 403:
      return forbidden(answer);
    case 410:
      return { kind: "registration-disabled", message: errorMessage(answer) };
    default:
      return rejected(answer);
  }
}

function registrationBody(request: RegistrationRequest): object {
  const { description, maintenanceNote, tagList, accessLevel, maximumTimeoutSeconds } = request;
  return {
    token: request.token.reveal(),
    info: infoBody(request.info),
    ...(description ? { description } : {}),
    ...(maintenanceNote ? { maintenance_note: maintenanceNote } : {}),
    ...(tagList ? { tag_list: tagList } : {}),
    run_untagged: request.runUntagged,
    locked: request.locked,
    ...(accessLevel ? { access_level: accessLevel } : {}),
    ...(maximumTimeoutSeconds ? { maximum_timeout: maximumTimeoutSeconds } : {}),
    paused: request.paused,
  };
}

export async function verifyRunner(
  api: RunnerApi,
  info: RunnerInfo,
  options: { signal: AbortSignal },
): Promise<VerificationOutcome> {
  const answer = await api.json({
    method: "POST",
    path: "runners/verify",
    header: { header: "Runner-Token", value: api.token },
    body: { token: api.token.reveal(), ...api.identity, info: infoBody(info) },
  }, options);
  if ("kind" in answer) return answer;
  const decides = answer.status === 200 || answer.status === 403;
  if (decides && mediaType(answer) === "text/html") return webPage(answer);
  // Old servers answer 200 with `null`, text, or nothing at all: valid all the same.
  if (answer.status === 200) return { kind: "valid", runner: registeredRunner(answer, api.token) };
  return answer.status === 403 ? forbidden(answer) : rejected(answer);
}

export async function unregisterRunner(
  api: RunnerApi,
  options: { signal: AbortSignal },
): Promise<UnregistrationOutcome> {
  const token = api.token.reveal();
  const isManaged = token.startsWith(MANAGED_PREFIX);
  const answer = await api.json({
    method: "DELETE",
    path: isManaged ? "runners/managers" : "runners",
    header: { header: "Runner-Token", value: api.token },
    body: isManaged ? { token, system_id: api.systemId } : { token },
  }, options);
  if ("kind" in answer) return answer;
  switch (answer.status) {
    case 204:
      return { kind: "unregistered" };
    case 403:
      return forbidden(answer);
    case 404:
      return { kind: "already-gone" };
    default:
      return rejected(answer);
  }
}

export async function resetToken(
  api: RunnerApi,
  access: { readonly pat?: Secret; readonly runnerId: number },
  options: { signal: AbortSignal },
): Promise<TokenResetOutcome> {
  const { pat, runnerId } = access;
  const answer = await api.json({
    method: "POST",
    ...(pat === undefined
      ? {
        path: "runners/reset_authentication_token",
        body: { token: api.token.reveal() },
      }
      : {
        path: `runners/${runnerId}/reset_authentication_token`,
        route: "runners/:id/reset_authentication_token",
        header: { header: "Private-Token", value: pat },
        body: {},
      }),
  }, options);
  if ("kind" in answer) return answer;
  switch (answer.status) {
    case 201: {
      const { token, tokenExpiresAt } = tokenOf(answer) ?? {};
      return token === undefined
        ? undecodable(answer)
        : { kind: "reset", token, expiresAt: tokenExpiresAt };
    }
    case 401:
    case 403:
      return forbidden(answer);
    default:
      return rejected(answer);
  }
}

/** `{id, token, token_expires_at}`; undefined when the answer is something else. */
function registeredRunner(answer: Answer, knownToken?: Secret): RegisteredRunner | undefined {
  const body = bodyOf(answer);
  if (typeof body?.["id"] !== "number") return undefined;
  const { token = knownToken, tokenExpiresAt } = tokenOf(answer) ?? {};
  return token === undefined ? undefined : { id: body["id"], token, tokenExpiresAt };
}

function tokenOf(answer: Answer) {
  const body = bodyOf(answer);
  if (body === undefined) return undefined;
  const { token, token_expires_at: expiry } = body;
  return {
    token: typeof token === "string" && token !== "" ? new Secret(token) : undefined,
    tokenExpiresAt: typeof expiry === "string" ? expiryDate(expiry) : undefined,
  };
}

function bodyOf(answer: Answer): Record<string, unknown> | undefined {
  const json = mediaType(answer) === "application/json" ? jsonOf(answer) : undefined;
  return typeof json === "object" && json !== null ? { ...json } : undefined;
}

/** The year 1 is how a token without expiry looks in Go. */
function expiryDate(text: string): Date | undefined {
  const date = new Date(text);
  return date.getTime() > 0 ? date : undefined;
}

function forbidden(answer: Answer): Forbidden {
  return { kind: "forbidden", message: errorMessage(answer) };
}

/** The call worked at the other end, but what it brought cannot be read. */
function undecodable(answer: Answer): Unreachable {
  const why = answer.cut ?? `media type "${mediaType(answer)}"`;
  return {
    kind: "unreachable",
    message: `Cannot read the coordinator's answer ${statusLine(answer)} (${why})`,
  };
}

/** GitLab's API never answers with a page: something else is at this address, or in front of it. */
function webPage(answer: Answer): Unreachable {
  return {
    kind: "unreachable",
    message: `The answer ${
      statusLine(answer)
    } is a web page, so it does not come from GitLab's API`,
  };
}
