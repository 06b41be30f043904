/** Pulls that failed: in whose words, whether another try may help, and what GitLab is told. */

import { type FailureReason, messageOf, RunnerError } from "../../../core/errors.ts";
import { formatDuration } from "../../../core/util/units.ts";
import { EngineError } from "../engine/mod.ts";

/** A pull took longer than pulls may take. */
export class PullTimeout extends RunnerError {
  override readonly name = "PullTimeout";

  constructor(limitMs: number) {
    super(`the pull took longer than ${formatDuration(limitMs)}`);
  }
}

/** The engine has no such image, and may not or cannot ask a registry for it. */
export class NoSuchImage extends RunnerError {
  override readonly name = "NoSuchImage";

  constructor(image: string) {
    super(`No such image: ${image}`);
  }
}

export type PullFailure = EngineError | PullTimeout | NoSuchImage;

/** Whether the next pull policy may do better. Without an engine none does. */
export function isPullFailure(thrown: unknown): thrown is PullFailure {
  if (thrown instanceof EngineError) return thrown.kind !== "unreachable";
  return thrown instanceof PullTimeout || thrown instanceof NoSuchImage;
}

/** As `docker pull` words it. */
export function wordsOf(failure: PullFailure): string {
  const words = messageOf(failure);
  return failure instanceof PullTimeout ? words : `Error response from daemon: ${words}`;
}

/**
 * Engines pass a registry's refusal on as a fault of their own, by status 500 or within the stream
 * of progress: only its words tell it from a network's.
 */
const REFUSED =
  /unauthorized|denied|no basic auth credentials|manifest (?:unknown|for .* not found)|not found|does not exist|no matching manifest|invalid reference|toomanyrequests|name unknown|no space left/i;

/** Whether the same pull may succeed a little later. */
export function isTransient(failure: unknown): failure is EngineError {
  return failure instanceof EngineError && failure.kind === "server" &&
    !REFUSED.test(failure.message);
}

/** What speaks for a registry or a network at fault, rather than for the image's name. */
const EXTERNAL =
  /unexpected (?:HTTP )?status.*\b5\d\d\b|\b50[0234] (?:Internal|Bad|Service|Gateway)|timeout|timed out|deadline exceeded|connection reset|unexpected EOF/i;

export function reasonOf(failure: PullFailure): FailureReason {
  const external = failure instanceof PullTimeout || EXTERNAL.test(failure.message);
  return external ? "runner_external_dependency_failure" : "image_pull_failure";
}
