/** Addresses of components, `gitlab.example.com/group/lib/build@1.2`, and which version they mean. */

export interface ComponentAddress {
  /** The project that has the component. */
  readonly project: string;
  readonly name: string;
  /** A tag, a branch, a commit, `1.2` for the newest of its kind, or `~latest`. */
  readonly reference: string;
}

/** Undefined for what is no address on `host`: components come from the instance itself. */
export function parseComponentAddress(text: string, host: string): ComponentAddress | undefined {
  const at = text.lastIndexOf("@");
  const reference = text.slice(at + 1);
  const [first, ...path] = text.slice(0, at).split("/");
  const name = path.pop();
  if (at === -1 || reference === "" || first?.toLowerCase() !== host.toLowerCase()) {
    return undefined;
  }
  if (name === undefined || name === "" || path.length < 2 || path.includes("")) return undefined;
  return { project: path.join("/"), name, reference };
}

/** Where in its project a component may be. */
export function componentPaths(name: string): readonly string[] {
  return [`templates/${name}.yml`, `templates/${name}/template.yml`];
}

/** What a version that names no tag by itself begins with; undefined: it is no such version. */
export function versionPrefix(reference: string): string | undefined {
  if (reference === "~latest") return "";
  return /^\d+(?:\.\d+)?$/.test(reference) ? `${reference}.` : undefined;
}

/** The newest release among tags that begin with `prefix`; versions before a release do not count. */
export function newestVersion(tags: readonly string[], prefix: string): string | undefined {
  const versions = tags.filter((tag) => tag.startsWith(prefix) && isVersion(tag));
  return versions.toSorted((a, b) => compare(b, a))[0];
}

export function isVersion(tag: string): boolean {
  return /^\d+\.\d+\.\d+(?:\+[\w.-]+)?$/.test(tag);
}

function compare(a: string, b: string): number {
  const numbers = (version: string) => version.split("+")[0]?.split(".").map(Number) ?? [];
  const [left, right] = [numbers(a), numbers(b)];
  const at = left.findIndex((value, index) => value !== right[index]);
  return at === -1 ? 0 : (left[at] ?? 0) - (right[at] ?? 0);
}
