/** Takes every request through host check, recorder, checks and faults to its route. */

import { Hono } from "hono";

import { apiError, emptyAnswer } from "./answers.ts";
import { downloadArtifact, uploadArtifact } from "./routes/artifacts.ts";
import { BodyTooLarge, Call, epochMs, pathBelow } from "./call.ts";
import { addControlRoutes } from "./routes/control.ts";
import { applyFault } from "./fault_actions.ts";
import { isAllowedHost } from "./host_check.ts";
import { requestJob } from "./routes/job_request.ts";
import { updateJob } from "./routes/job_update.ts";
import { addPeopleRoutes } from "./routes/people.ts";
import type { RecordedRequest } from "./recorder.ts";
import { addRunnerRoutes } from "./routes/runners.ts";
import { type CoordinatorState, type RouteEnvironment, runnerOfBody } from "./state.ts";
import { patchTrace } from "./routes/trace_patch.ts";

export interface DispatcherOptions {
  /** Relative URL root; empty: none. */
  readonly root: string;
  readonly allowedHosts: readonly string[];
}

export class Dispatcher {
  readonly #state: CoordinatorState;
  readonly #options: DispatcherOptions;
  readonly #app: Hono<RouteEnvironment>;

  constructor(state: CoordinatorState, options: DispatcherOptions) {
    this.#state = state;
    this.#options = options;
    this.#app = routes(state, options.root);
  }

  /** `connection` is the same for all requests of one connection. */
  async handle(request: Request, connection: string): Promise<Response> {
    const { recorder } = this.#state;
    const call = new Call(request, { root: this.#options.root, connection });
    const entry = recorder.begin(call);
    try {
      await recorder.recordBody(entry, call);
      return await this.#answer(call, entry);
    } catch (error) {
      if (error instanceof BodyTooLarge) return apiError(413);
      // Nobody is left to read an answer.
      if (request.signal.aborted) return emptyAnswer(499);
      throw error;
    } finally {
      entry.tookMs = epochMs() - call.startedAt;
    }
  }

  async #answer(call: Call, entry: RecordedRequest): Promise<Response> {
    const { checks, faults } = this.#state;
    if (!isAllowedHost(call, this.#options.allowedHosts)) {
      return apiError(421, `"${call.url.hostname}" is not a name of this coordinator`);
    }
    if (call.path.startsWith("/api/v4/")) await this.#checkRequestId(call);
    const handle = () => this.#route(call);
    const fault = faults.isEmpty || isControl(call) ? undefined : await faults.meeting(call);
    if (fault === undefined) {
      const answer = await handle();
      entry.status = answer.status;
      checks.answered(call, answer.status);
      call.delivered();
      return answer;
    }
    entry.fault = fault.name;
    const { answer, fate } = await applyFault(fault.action, call, {
      handle,
      signal: this.#state.down(),
    });
    if (fate !== "lost") {
      entry.status = answer.status;
      checks.answered(call, answer.status);
    }
    if (fate === "faithful") call.delivered();
    return answer;
  }

  async #route(call: Call): Promise<Response> {
    if (!call.path.startsWith("/api/") && call.path.includes(".git/")) {
      return await this.#state.git?.answer(call) ?? apiError(404);
    }
    return await this.#app.fetch(call.request, { call });
  }

  async #checkRequestId(call: Call): Promise<void> {
    const { checks, jobs } = this.#state;
    if (call.jobId !== undefined) {
      const job = jobs.get(call.jobId);
      return checks.requestId(call, job === undefined ? {} : { job });
    }
    const runner = call.method === "GET" ? undefined : runnerOfBody(this.#state, await call.json());
    checks.requestId(call, runner === undefined ? {} : { runner });
  }
}

function routes(state: CoordinatorState, root: string): Hono<RouteEnvironment> {
  const getPath = (request: Request) => pathBelow(root, new URL(request.url).pathname);
  const app = new Hono<RouteEnvironment>({ getPath });
  app.onError((error) => {
    throw error;
  });
  app.notFound(() => apiError(404));
  addRunnerRoutes(app, state);
  app.post("/api/v4/jobs/request", (c) => requestJob(state, c.env.call));
  app.put("/api/v4/jobs/:id", (c) => updateJob(state, c.env.call));
  app.patch("/api/v4/jobs/:id/trace", (c) => patchTrace(state, c.env.call));
  app.post("/api/v4/jobs/:id/artifacts", (c) => uploadArtifact(state, c.env.call));
  app.get("/api/v4/jobs/:id/artifacts", (c) => downloadArtifact(state, c.env.call));
  addPeopleRoutes(app, state);
  addControlRoutes(app, state);
  return app;
}

/** The page and the JSON API: never met by faults. */
function isControl(call: Call): boolean {
  return call.path === "/" || (call.path.startsWith("/api/") && !call.path.startsWith("/api/v4/"));
}
