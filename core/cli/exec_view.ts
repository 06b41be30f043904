/** The view that a command line of `exec` asks for, and how errors are told in it. */

import { messageOf } from "../errors.ts";
import type { EventStream } from "../local/event_stream.ts";
import type { ErrorEvent } from "../local/events.ts";
import { jsonView } from "../local/views/json_view.ts";
import { type Paint, painter } from "../local/views/paint.ts";
import { PlainView } from "../local/views/plain_view.ts";
import type { ExecView } from "../local/views/view.ts";
import { wantsColors } from "../log/colors.ts";
import { CiConfigError, type CiProblem, describeProblem } from "../pipeline/place.ts";
import { ConfigurationError } from "../errors.ts";
import type { FlagValues } from "./flag.ts";
import { USAGE } from "./usage.ts";
import type { Program } from "./program.ts";
import type { z } from "zod";

export function execPaint(flags: FlagValues, { stdout, env }: Program): Paint {
  return painter(wantsColors(stdout, env) && !flags.bool("no-color"));
}

export function execView(flags: FlagValues, { stdout }: Program, paint: Paint): ExecView {
  if (flags.bool("json")) return jsonView(stdout);
  return new PlainView({ output: stdout, paint, quiet: flags.bool("quiet") });
}

type ErrorCode = z.infer<typeof ErrorEvent>["code"];

/**
 * Tells a refusal, as an event or as text, and what the exit code is. Any other error is a fault of
 * ours or of this machine: an event, or rethrown.
 */
export function tellRefusal(
  error: unknown,
  options: { readonly json: boolean; readonly events: EventStream; readonly program: Program },
): number {
  const { json, events, program } = options;
  const refusals = refusalsOf(error);
  if (refusals === undefined) {
    if (!json) throw error;
    events.emit(errorEvent("internal", { message: messageOf(error), place: undefined }));
    return 1;
  }
  for (const { code, problem } of refusals) {
    if (json) events.emit(errorEvent(code, problem));
    else program.stderr.write(`${program.calledAs}: ${describeProblem(problem)}\n`);
  }
  return USAGE;
}

function refusalsOf(
  error: unknown,
): readonly { readonly code: ErrorCode; readonly problem: CiProblem }[] | undefined {
  if (error instanceof CiConfigError) {
    return error.problems.map((problem) => ({ code: "invalid_yaml", problem }));
  }
  if (!(error instanceof ConfigurationError)) return undefined;
  const problem = { message: messageOf(error), place: undefined };
  return [{ code: "invalid_invocation", problem }];
}

export function errorEvent(code: ErrorCode, { message, place }: CiProblem) {
  return {
    type: "error",
    code,
    message,
    file: place?.file ?? null,
    line: place?.line ?? null,
    column: place?.column ?? null,
  } as const;
}
