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
 * A network or a registry at fault; another try may help. The words are all there is to go by; the
 * time that a job or a pull may take is never among them, since it ends the call from this side.
 */
const EXTERNAL =
  /dial tcp|connection refused|no such host|i\/o timeout|tls handshake|client\.timeout exceeded|timeout awaiting|connection timed out|context deadline exceeded|request canceled|connection reset|(?:^|: )(?:unexpected )?EOF\b|unexpected (?:HTTP )?status.*\b5\d\d\b|\b50[0234] (?:Internal|Bad|Service|Gateway)/i;

/**
 * A name that does not exist, or credentials that do not suffice. Engines tell both as faults of
 * their own, by status 500 or within the stream of progress.
 */
const REFUSED =
  /not found|manifest unknown|\bdenied\b|no basic auth credentials|repository does not exist or may require|unauthorized|authentication required/i;

/** Whether the same pull may succeed a little later. */
export function isTransient(failure: unknown): failure is EngineError {
  return failure instanceof EngineError && EXTERNAL.test(failure.message);
}

/** As GitLab Runner tells them apart. */
export function reasonOf(failure: PullFailure): FailureReason {
  if (failure instanceof NoSuchImage) return "image_pull_failure";
  if (failure instanceof PullTimeout || EXTERNAL.test(failure.message)) {
    return "runner_external_dependency_failure";
  }
  return REFUSED.test(failure.message) ? "runner_configuration_error" : "image_pull_failure";
}
