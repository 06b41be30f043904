/** `include:integrity`: a remote file must be the one that was looked at. */

import { createHash } from "node:crypto";

/** `expected` is `sha256-` and the digest in base64. */
export function matchesIntegrity(text: string, expected: string): boolean {
  const digest = createHash("sha256").update(text).digest("base64");
  return expected === `sha256-${digest}`;
}
