/** Names from an archive: only those that stay inside the destination become paths. */

/**
 * The parts of a relative path inside the destination, none of them empty, `.` or `..`.
 * Undefined when the name is absolute, climbs, or would mean something else on this platform.
 */
export function safeParts(
  name: string,
  platform: string = process.platform,
): readonly string[] | undefined {
  // On Windows `\` separates and `:` names a drive or a second stream of a file.
  if (platform === "win32" && /[\\:]/.test(name)) return undefined;
  if (name.includes("\0") || name.startsWith("/")) return undefined;
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  return parts.includes("..") ? undefined : parts;
}
