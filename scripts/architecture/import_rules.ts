/** Which part of the sources may import which: arrows point one way. */

import type { Offence } from "./offence.ts";
import type { SourceFile } from "./source_file.ts";

/**
 * Parts of the core, lowest first. A part imports from lower levels, and from its own level as long
 * as no two parts import each other.
 */
const CORE_LEVELS: readonly (readonly string[])[] = [
  ["util", "log", "errors", "metrics", "archive", "version"],
  ["job"],
  // Below the contracts: an executor is given its runner's configuration as a value.
  ["config"],
  ["executor", "shell", "registry"],
  ["cache", "coordinator", "rpc", "ssh", "pipeline"],
  ["plugin", "trace"],
  ["run"],
  ["runner"],
  ["session"],
  ["http", "helper", "embedded"],
  ["local"],
  ["cli"],
];

/** Executors that are made of others, by folder. */
const MADE_OF: Readonly<Record<string, readonly string[]>> = { docker_ssh: ["docker", "ssh"] };

interface Unit {
  readonly area: "main" | "core" | "executors" | "plugins" | "shells" | "sdk" | "tests" | "scripts";
  /** Folder or single file below the area: `trace`, `errors`, `docker`. */
  readonly name: string;
}

/** Every import that the table forbids. */
export function checkImports(files: readonly SourceFile[]): Offence[] {
  const doors = new Set(files.map((file) => file.path).filter((path) => path.endsWith("/mod.ts")));
  const offences = files.flatMap((file) =>
    file.imports.flatMap(({ path, specifier }) => {
      if (path === undefined) return [];
      const problem = forbidden(unitOf(file.path), unitOf(path)) ??
        pastDoor(file.path, path, doors) ??
        withoutExtension(path);
      return problem === undefined
        ? []
        : [{ path: file.path, problem: `imports "${specifier}": ${problem}` }];
    })
  );
  return [...offences, ...unplaced(files), ...mutual(files)];
}

function unitOf(path: string): Unit {
  const [area = "", name = ""] = path.split("/");
  if (area === "main.ts") return { area: "main", name: "" };
  return { area: area as Unit["area"], name: name.replace(/\.ts$/, "") };
}

function forbidden(from: Unit, to: Unit): string | undefined {
  if (from.area === "tests" || from.area === "scripts") return undefined;
  if (to.area === "tests" || to.area === "scripts" || to.area === "main") {
    return `nothing imports ${to.area}`;
  }
  switch (from.area) {
    case "main":
      return undefined;
    case "core":
      return forbiddenInCore(from, to);
    case "sdk":
      return to.area === "core" || to.area === "sdk" ? undefined : "the SDK is made of core/ alone";
    case "shells":
      return to.area === "shells" ||
          (to.area === "core" && (to.name === "shell" || to.name === "util"))
        ? undefined
        : "shells import only core/shell.ts and core/util/";
    case "executors":
      return to.area === "core" || (to.area === "executors" &&
          (to.name === from.name || MADE_OF[from.name]?.includes(to.name)))
        ? undefined
        : "an executor imports only core/ and itself";
    case "plugins":
      return to.area === "core" || to.area === "executors" ||
          (to.area === "plugins" && to.name === from.name)
        ? undefined
        : "a plugin imports only core/, executors/ and itself";
  }
}

function forbiddenInCore(from: Unit, to: Unit): string | undefined {
  if (to.area !== "core") return "core imports only core";
  const fromLevel = levelOf(from.name);
  const toLevel = levelOf(to.name);
  return fromLevel === -1 || toLevel === -1 || toLevel <= fromLevel
    ? undefined
    : `core/${to.name} stands above core/${from.name}; take what is needed as an argument`;
}

function levelOf(name: string): number {
  return CORE_LEVELS.findIndex((level) => level.includes(name));
}

function pastDoor(from: string, to: string, doors: ReadonlySet<string>): string | undefined {
  if (from.startsWith("tests/") || from.startsWith("scripts/")) return undefined;
  for (const door of doors) {
    const folder = door.slice(0, -"mod.ts".length);
    if (to.startsWith(folder) && to !== door && !from.startsWith(folder)) {
      return `go through the door ${door}`;
    }
  }
  return undefined;
}

function withoutExtension(path: string): string | undefined {
  return /\.[a-z]+$/.test(path) || path.includes("*") ? undefined : "write the file's extension";
}

function unplaced(files: readonly SourceFile[]): Offence[] {
  return files.filter(({ path }) => path.startsWith("core/") && levelOf(unitOf(path).name) === -1)
    .map(
      ({ path }) => ({
        path,
        problem: `core/${unitOf(path).name} has no level in scripts/architecture/import_rules.ts`,
      }),
    );
}

/** Two parts of one level that import each other: neither can be understood, or moved, alone. */
function mutual(files: readonly SourceFile[]): Offence[] {
  const edges = new Map<string, string>();
  for (const file of files) {
    const from = unitOf(file.path);
    for (const { path } of file.imports) {
      const to = path === undefined ? undefined : unitOf(path);
      if (from.area !== "core" || to?.area !== "core" || from.name === to.name) continue;
      if (!edges.has(`${from.name} ${to.name}`)) edges.set(`${from.name} ${to.name}`, file.path);
    }
  }
  return [...edges].flatMap(([edge, path]) => {
    const [from = "", to = ""] = edge.split(" ");
    const back = from < to ? edges.get(`${to} ${from}`) : undefined;
    if (back === undefined || levelOf(from) !== levelOf(to)) return [];
    return [{ path, problem: `core/${from} and core/${to} import each other (see ${back})` }];
  });
}
