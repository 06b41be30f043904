/** How much room a text takes on a terminal, where some characters are two cells wide, and some none. */

import { withoutEscapes } from "./paint.ts";

const ELLIPSIS = "…";

/** In cells, colours not counted. */
export function widthOf(text: string): number {
  return Bun.stringWidth(text);
}

/** Cut to so many cells at its end. One that has to be cut loses its colours. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  return width < 1 ? "" : `${head(characters(withoutEscapes(text)), width - 1)}${ELLIPSIS}`;
}

/** Cut in its middle: what tells instances and child jobs apart stands at the end of names. */
export function shorten(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  if (width < 1) return "";
  const all = characters(text);
  const end = head(all.toReversed(), Math.floor((width - 1) / 2), (part) => part.toReversed());
  return `${head(all, width - 1 - widthOf(end))}${ELLIPSIS}${end}`;
}

/** Filled up to so many cells. */
export function pad(text: string, width: number): string {
  return `${text}${" ".repeat(Math.max(0, width - widthOf(text)))}`;
}

/** In one line, and without anything that a terminal would act upon. */
export function oneLine(text: string): string {
  // deno-lint-ignore no-control-regex -- they are what has to go
  return withoutEscapes(text).replaceAll(/[\x00-\x1f\x7f-\x9f]+/g, " ");
}

function head(
  all: readonly string[],
  width: number,
  order: (part: readonly string[]) => readonly string[] = (part) => part,
): string {
  let used = 0;
  const end = all.findIndex((one) => (used += widthOf(one)) > width);
  return order(end === -1 ? all : all.slice(0, end)).join("");
}

/** What people take for one character, an emoji of several parts for example. */
function characters(text: string): string[] {
  return Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);
}
