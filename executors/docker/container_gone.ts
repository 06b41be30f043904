/** Containers that somebody else has ended or removed. */

import { SystemFailure } from "../../core/errors.ts";
import { type ContainerDetails, EngineError } from "./engine/mod.ts";

/** A stage ran in it. */
export class ContainerGone extends SystemFailure {
  readonly id: string;

  constructor(name: string, options: { id: string; cause?: unknown }) {
    super(`Container ${name} was stopped or removed while a stage ran in it`, {
      cause: options.cause,
    });
    this.id = options.id;
  }
}

type Found = ContainerDetails | "not-found";

export function isNoLonger(found: Found): found is "not-found" {
  return found === "not-found" || found.state === "removing";
}

/** Nothing runs in it any more. */
export function hasEnded(found: Found): boolean {
  return isNoLonger(found) || found.state === "exited" || found.state === "dead";
}

/** Whether an engine has refused a call, as it does for a container or a process that is not there. */
export function isRefused(error: unknown): boolean {
  return error instanceof EngineError && (error.kind === "not-found" || error.kind === "conflict");
}
