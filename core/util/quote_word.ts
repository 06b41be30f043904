/** Text as one word of a POSIX shell script. */

/** `text` in single quotes, whatever it has. Zsh and git's own commands read it alike. */
export function quoteWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
