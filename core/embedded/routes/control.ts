/** The JSON API for people and tests: jobs, their logs, runners, findings, faults, requests. */

import type { Context, Hono } from "hono";
import { z } from "zod";

import { apiError, emptyAnswer, jsonAnswer } from "../answers.ts";
import { Fault } from "../faults.ts";
import { isOwnRequest } from "../host_check.ts";
import type { EmbeddedJob } from "../jobs.ts";
import { controlPage } from "../page.ts";
import { JobDescription } from "../payload.ts";
import type { EmbeddedRunner } from "../runners.ts";
import type { CoordinatorState, RouteEnvironment } from "../state.ts";
import { shortToken } from "../../util/token.ts";

type RouteContext = Context<RouteEnvironment>;

const Cancel = z.strictObject({ how: z.enum(["graceful", "forced"]).default("graceful") });

export function addControlRoutes(app: Hono<RouteEnvironment>, state: CoordinatorState): void {
  app.get("/", () => controlPage());
  app.get("/api/jobs", () => jsonAnswer(200, state.jobs.all().map((job) => jobView(state, job))));
  app.post("/api/jobs", (c) => enqueue(state, c));
  app.get("/api/jobs/:id", (c) => withJob(state, c, (job) => jsonAnswer(200, jobView(state, job))));
  app.get("/api/jobs/:id/log", (c) => withJob(state, c, (job) => logAnswer(state, c, job)));
  app.post("/api/jobs/:id/cancel", (c) => withJob(state, c, (job) => cancel(c, job)));
  app.get("/api/runners", () => jsonAnswer(200, state.runners.all().map(runnerView)));
  app.get("/api/findings", () => jsonAnswer(200, state.checks.findings()));
  app.get("/api/requests", (c) => {
    const job = c.req.query("job");
    const wanted = job === undefined ? undefined : Number(job);
    return jsonAnswer(
      200,
      state.recorder.requests((request) => wanted === undefined || request.jobId === wanted),
    );
  });
  app.get("/api/faults", () => jsonAnswer(200, state.faults.all()));
  app.post("/api/faults", (c) => setFault(state, c));
  app.delete("/api/faults", (c) => {
    if (!isOwnRequest(c.env.call)) return refused();
    state.faults.clear();
    return emptyAnswer(204);
  });
}

async function enqueue(state: CoordinatorState, c: RouteContext): Promise<Response> {
  if (!isOwnRequest(c.env.call)) return refused();
  const parsed = JobDescription.safeParse(await c.env.call.json());
  if (!parsed.success) return apiError(400, z.prettifyError(parsed.error));
  const { repository } = parsed.data;
  if (repository === undefined || repository.sha !== "") {
    return jsonAnswer(201, jobView(state, state.enqueue(parsed.data)));
  }
  const sha = await state.git?.resolve(repository.path, repository.ref);
  if (sha === undefined) {
    const where = `"${repository.ref}" in "${repository.path}.git"`;
    return apiError(400, `cannot find ${where} below the folder of repositories`);
  }
  const job = state.enqueue({ ...parsed.data, repository: { ...repository, sha } });
  return jsonAnswer(201, jobView(state, job));
}

function withJob(
  state: CoordinatorState,
  c: RouteContext,
  answer: (job: EmbeddedJob) => Response | Promise<Response>,
): Response | Promise<Response> {
  const job = state.jobs.get(Number(c.req.param("id")));
  return job === undefined ? apiError(404, "no such job") : answer(job);
}

/** The log so far, or with `?follow=1` as it grows; bytes as the runner sent them. */
function logAnswer(state: CoordinatorState, c: RouteContext, job: EmbeddedJob): Response {
  const follow = c.req.query("follow") === "1";
  const signal = AbortSignal.any([c.env.call.request.signal, state.down()]);
  const headers = {
    "Content-Type": "text/plain; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
  };
  return new Response(watched(job, { follow, signal }), { headers });
}

async function* watched(
  job: EmbeddedJob,
  options: { readonly follow: boolean; readonly signal: AbortSignal },
): AsyncGenerator<Uint8Array, void, unknown> {
  job.watchers++;
  try {
    yield* job.trace.read(options);
  } finally {
    job.watchers--;
  }
}

async function cancel(c: RouteContext, job: EmbeddedJob): Promise<Response> {
  if (!isOwnRequest(c.env.call)) return refused();
  const parsed = Cancel.safeParse(await c.env.call.json());
  if (!parsed.success) return apiError(400, z.prettifyError(parsed.error));
  job.cancel(parsed.data.how);
  return jsonAnswer(200, { id: job.id, state: job.state });
}

async function setFault(state: CoordinatorState, c: RouteContext): Promise<Response> {
  if (!isOwnRequest(c.env.call)) return refused();
  const body = await c.env.call.json();
  const parsed = Fault.safeParse(body);
  if (!parsed.success) return apiError(400, z.prettifyError(parsed.error));
  return jsonAnswer(201, state.faults.inject(parsed.data));
}

function refused(): Response {
  return apiError(403, "send application/json from this origin or from no browser");
}

function jobView(state: CoordinatorState, job: EmbeddedJob) {
  return {
    id: job.id,
    name: job.name,
    state: job.state,
    runner: job.runner?.id,
    system_id: job.manager?.systemId,
    log_bytes: job.trace.size,
    times: job.times,
    outcome: job.outcome,
    artifacts: state.artifacts.of(job.id).map(({ type, format, filename, size, sha256 }) => ({
      type,
      format,
      filename,
      size,
      sha256,
    })),
  };
}

function runnerView(runner: EmbeddedRunner) {
  return {
    id: runner.id,
    token: shortToken(runner.token),
    description: runner.description,
    tags: runner.tags,
    run_untagged: runner.runUntagged,
    paused: runner.paused,
    managers: [...runner.managers.values()].map(({ systemId, info, contactedAt, openPolls }) => ({
      system_id: systemId,
      info,
      contacted_at: new Date(contactedAt).toISOString(),
      open_polls: openPolls,
    })),
  };
}
