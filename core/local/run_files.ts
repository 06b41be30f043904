/** Names of what a run leaves in its directory, by the jobs that it is of. */

/** What follows the job's number: `path` ends with the job's own name. */
export function logFileName(path: readonly string[], attempt: number): string {
  return `${path.map(plain).join("-").slice(0, LONGEST_NAME)}.${attempt}.log`;
}

/** Of a job's artifacts, relative; `path` ends with the job's own name. No two jobs have the same. */
export function artifactsFolder(path: readonly string[]): string {
  return ["artifacts", ...path.map(unique)].join("/");
}

/** File systems take 255 bytes. */
const LONGEST_NAME = 100;

function plain(name: string): string {
  return name.replaceAll(/[^\w.-]+/g, "_");
}

function unique(name: string): string {
  const shown = plain(name).slice(0, LONGEST_NAME);
  if (shown === name) return name;
  return `${shown}-${new Bun.CryptoHasher("sha256").update(name).digest("hex").slice(0, 8)}`;
}
