/** Who the job's processes are, so that the helper can give them what it has made. */

import { SystemFailure } from "../../core/errors.ts";
import { quoteWord } from "../../core/util/quote_word.ts";
import type { JobFacts } from "./job_facts.ts";

export interface UserIds {
  readonly uid: number;
  readonly gid: number;
}

const ROOT: UserIds = { uid: 0, gid: 0 };

/**
 * What a container's `User` alone tells: root, numbers, or nothing (undefined) for a name or a user
 * without a group, which only the image's own `/etc/passwd` knows.
 */
export function knownUser(user: string): UserIds | undefined {
  if (/^(?:|root|0)(?::(?:root|0)?)?$/.test(user)) return ROOT;
  const match = /^(\d+):(\d+)$/.exec(user);
  return match === null ? undefined : { uid: Number(match[1]), gid: Number(match[2]) };
}

/** Asks for both numbers in a container of the image. */
export const WHO_AM_I: readonly string[] = ["sh", "-c", "id -u && id -g"];

/** Throws SystemFailure when the answer is not two numbers. */
export function userFrom(answer: { readonly code: number; readonly text: string }): UserIds {
  const match = /^(\d+)\s+(\d+)$/.exec(answer.text);
  if (answer.code === 0 && match !== null) return { uid: Number(match[1]), gid: Number(match[2]) };
  throw new SystemFailure(
    `Cannot find out the user of the job's image with "id": ${answer.text || "no answer"}`,
  );
}

/** Gives the checkout, and the directories of the other volumes, to the job's user. */
export function giveAway(facts: JobFacts, user: UserIds): readonly string[] {
  const { paths, volumes, environment } = facts;
  const owner = `${user.uid}:${user.gid}`;
  const trees = volumes.sharedBuilds ? [paths.projectDir, paths.tempDir] : [environment.buildsDir];
  return [
    "sh",
    "-c",
    [
      `mkdir -p ${words([paths.projectDir, paths.tempDir])}`,
      `chown -hR ${owner} ${words(trees)}`,
      ...(volumes.writable.length === 0 ? [] : [`chown ${owner} ${words(volumes.writable)}`]),
      ...[openToAll(facts) ?? []].flat(),
    ].join(" && "),
  ];
}

/**
 * Shell code for root that lets all users write in the operator's volumes, which engines make for root
 * alone: as GitLab Runner's `cache-init`, but without a container of its own.
 */
export function openToAll({ volumes }: JobFacts): string | undefined {
  if (volumes.open.length === 0) return undefined;
  return `chmod a+rwx ${words(volumes.open)} 2>/dev/null || :`;
}

/** Shell code that takes a checkout back which an earlier job's user owned. */
export function takeBack(facts: JobFacts): string | undefined {
  if (facts.volumes.sharedBuilds) return undefined;
  const directory = quoteWord(facts.environment.buildsDir);
  return `[ -O ${directory} ] || chown -hR 0:0 ${directory}`;
}

function words(paths: readonly string[]): string {
  return paths.map(quoteWord).join(" ");
}
