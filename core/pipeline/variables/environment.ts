/** What GitLab derives from an environment's name, and the variables that say it. */

import { createHash } from "node:crypto";

/** Kubernetes names, with a suffix, are where the limit comes from. */
const LONGEST_SLUG = 24;

export const TIERS = ["production", "staging", "testing", "development", "other"];

/** Parts of names that tell the tier; the first that fits decides. */
const TIERS_BY_NAME: readonly (readonly [RegExp, string])[] = [
  [/dev|review|trunk/i, "development"],
  [/test|tst|int|ac(?:ce|)pt|qa|qc|control|quality/i, "testing"],
  [/sta?g|mod(?:e|)l|pre|demo|non/i, "staging"],
  [/pro?d|live/i, "production"],
];

/** `CI_ENVIRONMENT_SLUG`: letters, digits and dashes, with a suffix where that is not the name itself. */
export function environmentSlug(name: string): string {
  let slug = name.toLowerCase().replace(/[^a-z0-9]/g, "-");
  if (!/^[a-z]/.test(slug)) slug = `env-${slug}`;
  slug = slug.replace(/-+/g, "-");
  if (slug.length <= LONGEST_SLUG && slug === name) return slug.replace(/-$/, "");
  const head = slug.slice(0, 17);
  return `${head}${head.endsWith("-") ? "" : "-"}${suffix(name)}`;
}

/** The tier as written, with its variables expanded; without one that GitLab knows, the name's. */
export function environmentTier(tier: string | undefined, name: string): string {
  if (tier !== undefined && TIERS.includes(tier)) return tier;
  return TIERS_BY_NAME.find(([form]) => form.test(name))?.[1] ?? "other";
}

function suffix(name: string): string {
  const digest = createHash("sha256").update(name).digest("hex");
  return BigInt(`0x${digest}`).toString(36).slice(-6);
}
