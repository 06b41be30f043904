/** Finds what artifacts and caches consist of: paths and patterns, untracked files, less exclusions. */

import { lstatSync, readdirSync, realpathSync, statSync } from "node:fs";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import { messageOf } from "../errors.ts";
import { type ArchiveEntry, readEntry } from "./entry.ts";
import { type Entries, EntryList } from "./entry_list.ts";
import { compileGlob, type Glob, type GlobSegment, matchesGlob, matchesSegment } from "./glob.ts";

export interface SelectionRequest {
  /** The project directory: patterns are relative to it, and nothing outside of it is taken. */
  readonly root: string;
  readonly paths: readonly string[];
  readonly exclude: readonly string[];
  /** Lists untracked files, relative to `root`; undefined when they are not wanted. */
  readonly untracked?: (() => Promise<readonly string[]>) | undefined;
}

/** What the selection came to, in the order in which users are told. */
export type SelectionFinding =
  | { readonly kind: "matched" | "excluded"; readonly pattern: string; readonly count: number }
  | { readonly kind: "no-match" | "outside"; readonly pattern: string }
  | { readonly kind: "untracked"; readonly count: number }
  | { readonly kind: "untracked-failed"; readonly message: string }
  | { readonly kind: "unreadable"; readonly path: string; readonly message: string };

export interface Selection {
  /** Sorted by path, so that the same files make the same archive. */
  readonly entries: Entries;
  readonly findings: readonly SelectionFinding[];
}

/** Never follows a link that leads out of the root; a link itself is an entry. */
export async function selectFiles(request: SelectionRequest): Promise<Selection> {
  const collector = new Collector(request);
  for (const pattern of request.paths) collector.addPattern(pattern);
  if (request.untracked !== undefined) await collector.addUntracked(request.untracked);
  return collector.finish();
}

interface Exclusion {
  readonly pattern: string;
  readonly glob: Glob;
  count: number;
}

class Collector {
  readonly #root: string;
  readonly #realRoot: string;
  readonly #exclusions: Exclusion[];
  readonly #entries = new EntryList();
  /** Places of the entries, by path. */
  readonly #places = new Map<string, number>();
  readonly #excluded = new Set<string>();
  readonly #findings: SelectionFinding[] = [];
  /** Which pattern has matched an entry last, by its place. */
  readonly #matchedBy: number[] = [];
  #pattern = 0;
  /** Entries that the pattern at hand has matched. */
  #matched = 0;

  constructor({ root, exclude }: SelectionRequest) {
    this.#root = root;
    this.#realRoot = realpathSync(root);
    this.#exclusions = exclude.map((pattern) => {
      const glob = compileGlob(this.#relativePattern(pattern) ?? pattern);
      return { pattern, glob, count: 0 };
    });
  }

  addPattern(pattern: string): void {
    const relativePattern = this.#relativePattern(pattern);
    if (relativePattern === undefined) {
      this.#findings.push({ kind: "outside", pattern });
      return;
    }
    this.#begin();
    for (const segments of compileGlob(relativePattern)) this.#match("", segments, 0);
    const count = this.#matched;
    this.#findings.push(
      count === 0 ? { kind: "no-match", pattern } : { kind: "matched", pattern, count },
    );
  }

  async addUntracked(list: () => Promise<readonly string[]>): Promise<void> {
    try {
      this.#begin();
      for (const path of await list()) this.#addOne(path.replace(/\/+$/, ""));
      this.#findings.push({ kind: "untracked", count: this.#matched });
    } catch (error) {
      this.#findings.push({ kind: "untracked-failed", message: messageOf(error) });
    }
  }

  finish(): Selection {
    for (const { pattern, count } of this.#exclusions) {
      if (count > 0) this.#findings.push({ kind: "excluded", pattern, count });
    }
    this.#entries.sort();
    return { entries: this.#entries, findings: this.#findings };
  }

  #begin(): void {
    this.#pattern++;
    this.#matched = 0;
  }

  /** Undefined when the pattern leaves the root. Its wildcards do not matter to that. */
  #relativePattern(pattern: string): string | undefined {
    const slashed = process.platform === "win32" ? pattern.replaceAll("\\", "/") : pattern;
    const inside = isAbsolute(slashed) ? this.#relativeToRoot(slashed) : normalized(slashed);
    return inside === undefined || climbs(inside) ? undefined : inside;
  }

  /** The root may be named through links, as `/tmp` is on macOS. */
  #relativeToRoot(pattern: string): string {
    const direct = relative(this.#root, resolve(pattern));
    if (!climbs(direct)) return direct;
    for (let base = resolve(pattern); base !== dirname(base); base = dirname(base)) {
      if (lstatSync(base, { throwIfNoEntry: false })?.isDirectory() !== true) continue;
      return join(relative(this.#realRoot, realpathSync(base)), relative(base, resolve(pattern)));
    }
    return direct;
  }

  /** Adds all below `directory` that the segments from `at` on match. */
  #match(directory: string, segments: readonly GlobSegment[], at: number): void {
    const segment = segments[at];
    if (segment === undefined) return this.#addTree(directory);
    switch (segment.kind) {
      case "any-depth":
        if (at === segments.length - 1) return this.#addTree(directory);
        this.#match(directory, segments, at + 1);
        for (const child of this.#children(directory)) {
          if (child.isDirectory) this.#match(child.path, segments, at);
        }
        return;
      case "literal":
        return this.#step(joined(directory, segment.text), segments, at);
      case "pattern":
        for (const child of this.#children(directory)) {
          if (matchesSegment(segment, child.name)) this.#step(child.path, segments, at);
        }
    }
  }

  #step(path: string, segments: readonly GlobSegment[], at: number): void {
    if (at === segments.length - 1) this.#addTree(path);
    else if (this.#canEnter(path)) this.#match(path, segments, at + 1);
  }

  /** Directories, and links to directories inside the root. */
  #canEnter(path: string): boolean {
    const full = join(this.#root, path);
    const found = lstatSync(full, { throwIfNoEntry: false });
    if (found === undefined) return false;
    if (!found.isSymbolicLink()) return found.isDirectory();
    try {
      return statSync(full).isDirectory() && !climbs(relative(this.#realRoot, realpathSync(full)));
    } catch {
      // A dangling link or a circle of links leads nowhere.
      return false;
    }
  }

  #addTree(path: string): void {
    // The root itself is no entry: it exists wherever the archive goes.
    const entry = path === "" ? undefined : this.#addOne(path);
    if (path !== "" && entry?.kind !== "directory") return;
    for (const name of this.#names(path)) this.#addTree(joined(path, name));
  }

  #addOne(path: string): ArchiveEntry | undefined {
    try {
      const known = this.#places.get(path);
      const entry = known === undefined ? readEntry(this.#root, path) : this.#entries.at(known);
      if (entry === undefined || this.#isExcluded(path)) return entry;
      const place = known ?? this.#entries.add(entry);
      if (known === undefined) this.#places.set(path, place);
      if (this.#matchedBy[place] !== this.#pattern) this.#matched++;
      this.#matchedBy[place] = this.#pattern;
      return entry;
    } catch (error) {
      this.#findings.push({ kind: "unreadable", path, message: messageOf(error) });
      return undefined;
    }
  }

  #isExcluded(path: string): boolean {
    if (this.#exclusions.length === 0) return false;
    if (this.#excluded.has(path)) return true;
    const exclusion = this.#exclusions.find(({ glob }) => matchesGlob(glob, path));
    if (exclusion === undefined) return false;
    exclusion.count++;
    this.#excluded.add(path);
    return true;
  }

  #children(directory: string) {
    return this.#list(
      directory,
      (path) =>
        readdirSync(path, { withFileTypes: true }).map((child) => ({
          name: child.name,
          path: joined(directory, child.name),
          isDirectory: child.isDirectory(),
        })),
    );
  }

  /** Of a tree of very many files, an object for each would be much. */
  #names(directory: string): readonly string[] {
    return this.#list(directory, (path) => readdirSync(path));
  }

  #list<T>(directory: string, read: (path: string) => T[]): T[] {
    try {
      return read(join(this.#root, directory));
    } catch (error) {
      this.#findings.push({ kind: "unreadable", path: directory, message: messageOf(error) });
      return [];
    }
  }
}

function joined(directory: string, name: string): string {
  return directory === "" ? name : `${directory}/${name}`;
}

function climbs(path: string): boolean {
  return path === ".." || path.startsWith("../") || path.startsWith("..\\") || isAbsolute(path);
}

/** Resolves `.` and `..` without looking at the disk, and without touching wildcards. */
function normalized(pattern: string): string {
  const parts: string[] = [];
  for (const part of pattern.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === ".." && parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else parts.push(part);
  }
  return parts.join("/");
}
