/** Variables from `artifacts:reports:dotenv`, as GitLab reads them. */

/** GitLab refuses a larger report. */
const MOST_BYTES = 5 * 1024;

/** `KEY=value` lines; a key is what a variable's name may be. Throws when GitLab would refuse it. */
export function parseDotenv(text: string): ReadonlyMap<string, string> {
  if (Buffer.byteLength(text) > MOST_BYTES) {
    throw new Error(`dotenv report is larger than ${MOST_BYTES} bytes`);
  }
  const variables = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === "") continue;
    const [, key, value] = /^\s*([A-Za-z0-9_]+)=(.*)$/.exec(line) ?? [];
    if (key === undefined || value === undefined) {
      throw new Error(`dotenv report has an invalid line: ${line.slice(0, 80)}`);
    }
    variables.set(key, unquoted(value.trim()));
  }
  return variables;
}

function unquoted(value: string): string {
  const quoted = /^(["'])(.*)\1$/.exec(value);
  return quoted?.[2] ?? value;
}
