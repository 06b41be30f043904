/** Guesses which of some known names a mistyped one was meant to be. */

/** The name that was probably meant; undefined when none is near. */
export function nearest(written: string, names: readonly string[]): string | undefined {
  const distances = names.map((name) => distance(written.toLowerCase(), name.toLowerCase()));
  const least = Math.min(...distances);
  // More than a third of a name changed is another word, not a slip.
  return least <= Math.max(1, written.length / 3) ? names[distances.indexOf(least)] : undefined;
}

/** Edits that turn one text into the other (Levenshtein). */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [index, character] of [...from].entries()) {
    let corner = index;
    const next = [index + 1];
    for (const [column, other] of [...to].entries()) {
      const above = row[column + 1] ?? 0;
      const cost = character === other ? 0 : 1;
      next.push(Math.min(above + 1, (next[column] ?? 0) + 1, corner + cost));
      corner = above;
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
