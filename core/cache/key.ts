/** Cache keys: what a job may call a cache, and where its archive lies (inventory section 9.1). */

/** A key fit to be a relative path; empty when nothing usable is left of it. */
export function sanitizeCacheKey(key: string): string {
  const decoded = key.replace(/%2f/gi, "/").replace(/%2e/gi, ".").replaceAll("\\", "/");
  const parts: string[] = [];
  for (const part of decoded.replaceAll("\0", "").split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  while (parts.length > 0) {
    const last = parts.pop()?.trimEnd() ?? "";
    if (last === "") continue;
    parts.push(last);
    break;
  }
  return parts.join("/");
}

/** The name of a key's archive with `FF_HASH_CACHE_KEYS`: any text is a good key then. */
export function hashedCacheKey(key: string): string {
  return new Bun.CryptoHasher("sha256").update(key).digest("hex");
}
