/** The view that a command line of `exec` asks for, and how errors are told in it. */

import { ConfigurationError, messageOf } from "../../errors.ts";
import { EventStream } from "../../local/event_stream.ts";
import type { ErrorEvent } from "../../local/events.ts";
import { jsonView } from "../../local/views/json_view.ts";
import { type Paint, painter } from "../../local/views/paint.ts";
import { PlainView } from "../../local/views/plain_view.ts";
import type { ExecView } from "../../local/views/view.ts";
import { wantsColors } from "../../log/colors.ts";
import { CiConfigError, type CiProblem, describeProblem } from "../../pipeline/place.ts";
import type { FlagValues } from "../flag.ts";
import { USAGE } from "../usage.ts";
import type { Program } from "../program.ts";
import type { z } from "zod";

export function execPaint(flags: FlagValues, { stdout, env }: Program): Paint {
  return painter(wantsColors(stdout, env) && !flags.bool("no-color"));
}

/** On a terminal the jobs are followed live; everywhere else lines are printed. */
export async function execView(
  flags: FlagValues,
  program: Program,
  options: { readonly paint: Paint; readonly directory: string; readonly onInterrupt: () => void },
): Promise<ExecView> {
  const { stdout, env } = program;
  const quiet = flags.bool("quiet");
  if (flags.bool("json")) return jsonView(stdout);
  // Its keys would be taken from the shell.
  const isLive = isTerminal(program) && env["TERM"] !== "dumb" &&
    !flags.bool("shell-on-failure");
  if (quiet || !isLive) return new PlainView({ output: stdout, paint: options.paint, quiet });
  const { LiveView } = await import("../../local/views/live_view.ts");
  return new LiveView({ ...options, output: stdout, keys: program.stdin });
}

/** Throws ConfigurationError when nobody could use a shell. */
export function assertTerminal(flags: FlagValues, program: Program): void {
  if (flags.bool("json")) {
    throw new ConfigurationError("--shell-on-failure and --json exclude each other");
  }
  if (isTerminal(program)) return;
  throw new ConfigurationError(
    "--shell-on-failure needs a terminal as standard input and output: there is none",
  );
}

/** Standard input is opened only where there is somebody at the terminal. */
function isTerminal(program: Pick<Program, "stdin" | "stdout">): boolean {
  return program.stdout.isTTY === true && program.stdin.isTTY === true;
}

type ErrorCode = z.infer<typeof ErrorEvent>["code"];

/**
 * Tells a refusal, as an event or as text, and what the exit code is. Any other error is a fault of
 * ours or of this machine: an event, or rethrown.
 */
export function tellRefusal(
  error: unknown,
  options: { readonly json: boolean; readonly program: Program },
): number {
  const { json } = options;
  const refusals = refusalsOf(error);
  if (refusals === undefined) {
    if (!json) throw error;
    tellError("internal", { message: messageOf(error), place: undefined }, options);
    return 1;
  }
  for (const { code, problem } of refusals) tellError(code, problem, options);
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

/** As an event on standard output, or as text on standard error. */
export function tellError(
  code: ErrorCode,
  problem: CiProblem,
  { json, program }: { readonly json: boolean; readonly program: Program },
): void {
  if (!json) {
    program.stderr.write(`${program.calledAs}: ${describeProblem(problem)}\n`);
    return;
  }
  const { message, place } = problem;
  const view = jsonView(program.stdout);
  new EventStream((event) => view.event(event)).emit({
    type: "error",
    code,
    message,
    file: place?.file ?? null,
    line: place?.line ?? null,
    column: place?.column ?? null,
  });
}
