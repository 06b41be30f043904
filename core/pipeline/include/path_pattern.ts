/** Patterns of `include:local`, which know less than other path patterns of a CI file. */

/** `*` stands for anything within one folder, `**` for anything at all; `configs/**.yml` is fine. */
export function includePattern(pattern: string): RegExp {
  const parts = pattern.replace(/^\/+/, "").split(/(\*\*|\*)/);
  const source = parts.map((part) =>
    part === "**" ? ".*" : part === "*" ? "[^/]*" : part.replace(/[\\^$.|?+()[\]{}]/g, "\\$&")
  );
  return new RegExp(`^${source.join("")}$`);
}
