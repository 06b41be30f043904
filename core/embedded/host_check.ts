/** Keeps web pages out: by the name they call us (DNS rebinding) and by where they come from. */

import { isIP } from "node:net";

import type { Call } from "./call.ts";

/**
 * A rebinding attack needs a name that the attacker's DNS answers for, so addresses are safe, and
 * so is `localhost`.
 */
export function isAllowedHost(call: Call, allowed: readonly string[]): boolean {
  const name = call.url.hostname.replace(/^\[|\]$/g, "").toLowerCase();
  return isIP(name) !== 0 || name === "localhost" || name.endsWith(".localhost") ||
    allowed.includes(name);
}

/**
 * A page elsewhere cannot send JSON without asking first, which is never granted; browsers that
 * name the origin are held to it as well.
 */
export function isOwnRequest(call: Call): boolean {
  const origin = call.header("Origin");
  const isJson = call.header("Content-Type")?.startsWith("application/json") === true;
  return isJson && (origin === undefined || origin === call.url.origin);
}
