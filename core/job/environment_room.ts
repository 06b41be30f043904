/** How much of a job's variables fits into the environment of the programs that it starts. */

/** Bytes of a variable, its name included, that Linux hands to a program. */
const LONGEST_BYTES = 128 * 1024 - 2;

/**
 * Bytes of all of them together. Linux takes a quarter of the stack's limit, 2 MiB as a rule, for
 * arguments and environment; the rest is room for arguments and what the host itself sets.
 */
const TOTAL_BYTES = 1.5 * 1024 * 1024;

/** A variable is text and a pointer to it. */
const POINTER_BYTES = 8;

interface Variable {
  readonly key: string;
  readonly value: string;
}

/**
 * Keys that have to stay out, or no program could be started: those that are too long by themselves
 * and then, until the rest has room, the largest.
 */
export function beyondEnvironment(variables: readonly Variable[]): ReadonlySet<string> {
  const sized = variables.map(({ key, value }) => ({
    key,
    bytes: Buffer.byteLength(key) + Buffer.byteLength(value),
  }));
  const beyond = new Set(sized.filter(({ bytes }) => bytes > LONGEST_BYTES).map(({ key }) => key));
  const rest = sized.filter(({ key }) => !beyond.has(key)).sort((a, b) => b.bytes - a.bytes);
  const room = ({ bytes }: { bytes: number }) => bytes + "=\0".length + POINTER_BYTES;
  let total = rest.reduce((sum, each) => sum + room(each), 0);
  for (const each of rest) {
    if (total <= TOTAL_BYTES) break;
    beyond.add(each.key);
    total -= room(each);
  }
  return beyond;
}
