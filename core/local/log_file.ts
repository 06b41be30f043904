/** Names of the files that keep the logs of a run. */

/** What follows the job's number: `path` ends with the job's own name. */
export function logFileName(path: readonly string[], attempt: number): string {
  const parts = path.map((part) => part.replaceAll(/[^\w.-]+/g, "_"));
  return `${parts.join("-").slice(0, LONGEST_NAME)}.${attempt}.log`;
}

/** File systems take 255 bytes. */
const LONGEST_NAME = 100;
