/** The one error of engine calls: what kind of refusal it was, with the engine's own words. */

import { codeOf, messageOf, RunnerError } from "../../../core/errors.ts";
import type { EngineErrorKind } from "./engine.ts";

/** Its message is the engine's own words, or what to check when no engine answers. */
export class EngineError extends RunnerError {
  override readonly name = "EngineError";
  readonly kind: EngineErrorKind;
  /** The HTTP status; undefined when the fault was told inside a stream or no engine answered. */
  readonly status: number | undefined;

  constructor(
    kind: EngineErrorKind,
    message: string,
    options: { status?: number; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.kind = kind;
    this.status = options.status;
  }

  /** A refusal by HTTP status. */
  static refused(status: number, message: string): EngineError {
    return new EngineError(kindOfStatus(status), message, { status });
  }

  /** No connection could be made to the engine at `address`. */
  static unreachable(address: string, cause: unknown): EngineError {
    const message = `Cannot reach the Docker Engine at "${address}": ${messageOf(cause)}; ` +
      adviceFor(codeOf(cause));
    return new EngineError("unreachable", message, { cause });
  }

  /** The engine at `address` was there and went away in the middle of a call. */
  static lost(address: string, cause?: unknown): EngineError {
    const why = cause === undefined ? "" : `: ${messageOf(cause)}`;
    const message = `The Docker Engine at "${address}" closed the connection${why}; ` +
      "check that the engine is still running";
    return new EngineError("unreachable", message, { cause });
  }
}

function kindOfStatus(status: number): EngineErrorKind {
  if (status === 404) return "not-found";
  if (status === 409) return "conflict";
  if (status === 401 || status === 403) return "denied";
  return status >= 500 ? "server" : "bad-request";
}

function adviceFor(code: string | undefined): string {
  if (code === "EACCES" || code === "EPERM") {
    return "check that this user may open the socket (group docker)";
  }
  if (code === "ENOENT" || code === "ECONNREFUSED") return "check that the engine is running";
  return "check the engine's address and certificates";
}
