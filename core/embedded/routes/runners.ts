/** Routes of a runner's life: register, verify, unregister, reset its token (protocol section 4). */

import type { Hono } from "hono";
import { apiError, emptyAnswer, jsonAnswer, parameterError, textAnswer } from "../answers.ts";
import { type Call, isRecord } from "../call.ts";
import {
  callingRunner,
  type CoordinatorState,
  type RouteEnvironment,
  runnerOfBody,
} from "../state.ts";
import type { EmbeddedRunner } from "../runners.ts";

export function addRunnerRoutes(app: Hono<RouteEnvironment>, state: CoordinatorState): void {
  app.post("/api/v4/runners", (c) => register(state, c.env.call));
  app.post("/api/v4/runners/verify", (c) => verify(state, c.env.call));
  app.delete("/api/v4/runners", (c) => unregister(state, c.env.call));
  app.delete("/api/v4/runners/managers", (c) => unregisterManager(state, c.env.call));
  app.post("/api/v4/runners/reset_authentication_token", (c) => resetToken(state, c.env.call));
}

async function register(state: CoordinatorState, call: Call): Promise<Response> {
  const body = await call.json();
  state.checks.tokens(call, "Runner-Token", body["token"], {});
  const { registrationToken, mode } = state.settings;
  if (body["token"] === undefined) return parameterError("token is missing");
  if (registrationToken === undefined) return apiError(410, "runner registration disallowed");
  if (body["token"] !== registrationToken) return apiError(403, "invalid token supplied");
  if (body["paused"] !== undefined && body["active"] !== undefined) {
    return parameterError("paused, active are mutually exclusive");
  }
  const runner = state.runners.register({
    description: typeof body["description"] === "string" ? body["description"] : "",
    tags: tagList(body["tag_list"]),
    runUntagged: body["run_untagged"] !== false,
    paused: body["paused"] === true || body["active"] === false,
    checkIntervalMs: state.settings.checkIntervalMs,
  });
  state.emit({ kind: "runner", text: `runner ${runner.id} registered ${runner.description}` });
  const { id, token } = runner;
  return jsonAnswer(201, mode === "modern" ? identity(runner) : { id, token });
}

async function verify(state: CoordinatorState, call: Call): Promise<Response> {
  const { body, runner } = await callingRunner(state, call);
  if (runner === undefined) return apiError(403);
  const info = isRecord(body["info"]) ? body["info"] : undefined;
  runner.manager(systemId(body), info);
  state.emit({ kind: "runner", text: `runner ${runner.id} verified` });
  return state.settings.mode === "modern"
    ? jsonAnswer(200, identity(runner))
    : textAnswer(200, "200");
}

async function unregister(state: CoordinatorState, call: Call): Promise<Response> {
  const { runner } = await callingRunner(state, call);
  if (runner === undefined) return apiError(403);
  state.runners.remove(runner);
  state.emit({ kind: "runner", text: `runner ${runner.id} unregistered` });
  return emptyAnswer(204);
}

async function unregisterManager(state: CoordinatorState, call: Call): Promise<Response> {
  if (state.settings.mode !== "modern") return apiError(404);
  const { body, runner } = await callingRunner(state, call);
  if (body["system_id"] === undefined) return parameterError("system_id is missing");
  if (runner === undefined) return apiError(403);
  if (!runner.managers.delete(systemId(body))) return apiError(404);
  state.emit({ kind: "runner", text: `manager ${systemId(body)} of runner ${runner.id} removed` });
  return emptyAnswer(204);
}

async function resetToken(state: CoordinatorState, call: Call): Promise<Response> {
  if (state.settings.mode !== "modern") return apiError(404);
  const runner = runnerOfBody(state, await call.json());
  state.checks.noTokenHeader(call, runner);
  if (runner === undefined) return apiError(403);
  state.runners.rotate(runner);
  state.emit({ kind: "runner", text: `runner ${runner.id} has a new token` });
  return jsonAnswer(201, { token: runner.token, token_expires_at: runner.tokenExpiresAt });
}

/** Which process of a runner is calling; empty for those before 15.8. */
export function systemId(body: Readonly<Record<string, unknown>>): string {
  return typeof body["system_id"] === "string" ? body["system_id"] : "";
}

function identity(runner: EmbeddedRunner) {
  return { id: runner.id, token: runner.token, token_expires_at: runner.tokenExpiresAt };
}

function tagList(value: unknown): string[] {
  const text = Array.isArray(value) ? value.join(",") : String(value ?? "");
  return text.split(",").map((tag) => tag.trim()).filter((tag) => tag !== "");
}
