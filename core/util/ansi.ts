/** The colours of job logs, byte for byte as GitLab Runner writes them. */

const RESET = "\x1b[0;m";

/** Prefix of each style; a warning and an error also get a word in front where the runner speaks. */
export const ANSI = {
  reset: RESET,
  clearLine: "\x1b[0K",
  notice: "\x1b[32;1m",
  warning: "\x1b[0;33m",
  error: "\x1b[31;1m",
  title: "\x1b[36;1m",
  limit: "\x1b[33;1m",
  /** Lines of a service's log. */
  service: "\x1b[0;90m",
} as const;

/** A line that a script prints about itself: coloured, without a line end. */
export function scriptLine(style: "plain" | "notice" | "warning" | "error", text: string): string {
  return style === "plain" ? text : `${ANSI[style]}${text}${RESET}`;
}
