/** What checks compare with, and how they say what is wrong. */

import { isDeepStrictEqual } from "node:util";
import { RunnerError } from "../../errors.ts";

/** A promise of the contract is not kept. Its message completes "the executor…". */
export class CheckFailure extends RunnerError {
  override readonly name = "CheckFailure";
}

/** Throws CheckFailure unless both are equal in all their members. */
export function expectEqual(what: string, found: unknown, wanted: unknown): void {
  if (isDeepStrictEqual(found, wanted)) return;
  throw new CheckFailure(`${what}: expected ${shown(wanted)}, got ${shown(found)}`);
}

export function expectTrue(what: string, holds: boolean): void {
  if (!holds) throw new CheckFailure(what);
}

/** Long texts are cut where they begin to differ from anything one could read. */
const SHOWN_CHARACTERS = 200;

function shown(value: unknown): string {
  const text = value instanceof Error ? `${value.name}: ${value.message}` : JSON.stringify(value);
  if (text === undefined) return String(value);
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}
