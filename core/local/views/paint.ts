/** Colours of what is shown of a run; none where the output takes none. */

export type Color = "red" | "green" | "yellow" | "blue" | "magenta" | "cyan" | "dim" | "bold";

export type Paint = (color: Color, text: string) => string;

const CODES: Readonly<Record<Color, string>> = {
  red: "31",
  green: "32",
  yellow: "33",
  blue: "34",
  magenta: "35",
  cyan: "36",
  dim: "2",
  bold: "1",
};

export function painter(colors: boolean): Paint {
  return (color, text) => colors ? `\x1b[${CODES[color]}m${text}\x1b[0m` : text;
}

// deno-lint-ignore no-control-regex -- what terminals take for commands begins with a control character
const ESCAPES = /\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])/g;

/** The text without what would colour it or move the cursor. */
export function withoutEscapes(text: string): string {
  return text.replaceAll(ESCAPES, "");
}

/** `1.2 s`, `3 min 04 s`. */
export function duration(ms: number): string {
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
}
