/** Cache keys: what a job may call a cache, made safe to be a path (inventory section 9.1). */

/** A key fit to be a relative path; empty when nothing usable is left of it. */
export function sanitizeCacheKey(key: string): string {
  const decoded = key
    .replace(/%2f/gi, "/")
    .replace(/%2e/gi, ".")
    .replaceAll("\\", "/")
    .replace(/ +$/, "");
  const parts: string[] = [];
  for (const part of decoded.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.join("/").replaceAll("\0", "");
}
