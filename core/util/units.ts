/** Durations and booleans as users write them in TOML, on the command line and in variables. */

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  "µs": 1e-3,
  "μs": 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/gy;

/**
 * Milliseconds of a Go-style duration (`1h30m`, `-5s`, `250ms`, `0`).
 * Returns undefined when `text` is not one; a bare number needs a unit.
 */
export function parseDuration(text: string): number | undefined {
  const sign = /^[+-]/.test(text) ? text[0] : "";
  const body = text.slice(sign === undefined ? 0 : sign.length);
  if (body === "0") return 0;
  if (body === "") return undefined;
  let total = 0;
  let end = 0;
  for (const match of body.matchAll(PART)) {
    if (match.index !== end) return undefined;
    total += Number(match[1]) * (UNIT_MS[match[2] ?? ""] ?? Number.NaN);
    end = match.index + match[0].length;
  }
  if (end !== body.length) return undefined;
  return sign === "-" ? -total : total;
}

/** The spellings Go takes for a boolean, which GitLab Runner hands on to its users. */
export function parseBoolean(text: string): boolean | undefined {
  if (/^(?:1|t|T|true|True|TRUE)$/.test(text)) return true;
  if (/^(?:0|f|F|false|False|FALSE)$/.test(text)) return false;
  return undefined;
}

/** A duration as Go prints it, which is how GitLab Runner words it in logs: `1h0m0s`, `4s`, `250ms`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return "0s";
  if (Math.abs(ms) < 1000) return `${trim(ms)}ms`;
  const sign = ms < 0 ? "-" : "";
  const seconds = Math.abs(ms) / 1000;
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = `${trim(seconds - hours * 3600 - minutes * 60)}s`;
  if (hours > 0) return `${sign}${hours}h${minutes}m${rest}`;
  return minutes > 0 ? `${sign}${minutes}m${rest}` : `${sign}${rest}`;
}

function trim(value: number): string {
  return String(Math.round(value * 1e6) / 1e6);
}
