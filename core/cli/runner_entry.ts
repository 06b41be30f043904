/** A `[[runners]]` entry while it is put together, before it is written to config.toml. */

/** What TOML holds. */
export type EntryValue =
  | string
  | number
  | boolean
  | Date
  | readonly EntryValue[]
  | EntryTable;

export interface EntryTable {
  readonly [key: string]: EntryValue;
}

/** A copy of `table` with `value` at `path`; tables on the way are made. */
export function setAt(table: EntryTable, path: readonly string[], value: EntryValue): EntryTable {
  const [key, ...rest] = path;
  if (key === undefined) return table;
  if (rest.length === 0) return { ...table, [key]: value };
  const inner = table[key];
  return { ...table, [key]: setAt(isTable(inner) ? inner : {}, rest, value) };
}

/** The text at `path`; empty when there is none. */
export function textAt(table: EntryTable, path: readonly string[]): string {
  let value: EntryValue | undefined = table;
  for (const key of path) value = isTable(value) ? value[key] : undefined;
  return typeof value === "string" ? value : "";
}

/**
 * `entry` with what it leaves unset filled in from `template`: tables merge key by key, lists get
 * the items they lack, and anything else in `entry` wins.
 */
export function fillIn(entry: EntryTable, template: EntryTable): EntryTable {
  const merged: Record<string, EntryValue> = { ...entry };
  for (const [key, offered] of Object.entries(template)) {
    const own = entry[key];
    if (own === undefined) merged[key] = offered;
    else if (isTable(own) && isTable(offered)) merged[key] = fillIn(own, offered);
    else if (isList(own) && isList(offered)) merged[key] = [...new Set([...own, ...offered])];
  }
  return merged;
}

/** Tables that belong to certain executors only. */
const EXECUTOR_TABLES = [
  "docker",
  "machine",
  "ssh",
  "parallels",
  "virtualbox",
  "custom",
  "kubernetes",
  "autoscaler",
  "instance",
];

/** Which of them an executor reads. */
const TABLES_OF: Readonly<Record<string, readonly string[]>> = {
  "docker": ["docker"],
  "docker-windows": ["docker"],
  "docker+machine": ["docker", "machine"],
  "docker-autoscaler": ["docker", "autoscaler"],
  "instance": ["instance", "autoscaler"],
  "ssh": ["ssh"],
  "parallels": ["parallels", "ssh"],
  "virtualbox": ["virtualbox", "ssh"],
  "custom": ["custom"],
  "kubernetes": ["kubernetes"],
  "shell": [],
};

/** Whether GitLab Runner has an executor of this name; this build may not. */
export function isExecutor(name: string): boolean {
  return Object.hasOwn(TABLES_OF, name);
}

/** Whether GitLab Runner takes this name for a shell; this build may not have it. */
export function isShell(name: string): boolean {
  return ["bash", "sh", "pwsh", "powershell", "cmd"].includes(name);
}

/** `entry` without the tables that `executor` does not read; all stay when it is not a known one. */
export function withoutForeignTables(entry: EntryTable, executor: string): EntryTable {
  const own = TABLES_OF[executor] ?? EXECUTOR_TABLES;
  return Object.fromEntries(
    Object.entries(entry)
      .filter(([key]) => own.includes(key) || !EXECUTOR_TABLES.includes(key)),
  );
}

/** Settings that a new docker entry shows, so that its owner sees what there is to change. */
const DOCKER_DEFAULTS: EntryTable = {
  tls_verify: false,
  privileged: false,
  disable_entrypoint_overwrite: false,
  oom_kill_disable: false,
  disable_cache: false,
  shm_size: 0,
  network_mtu: 0,
};

/** `entry` with what every new entry of its executor gets. */
export function withDefaults(entry: EntryTable, platform: NodeJS.Platform): EntryTable {
  const executor = textAt(entry, ["executor"]);
  const isWindows = executor === "docker-windows" || (executor === "shell" && platform === "win32");
  const withShell = isWindows ? fillIn(entry, { shell: "pwsh" }) : entry;
  if (!TABLES_OF[executor]?.includes("docker")) return withShell;
  const complete = fillIn(withShell, { docker: DOCKER_DEFAULTS });
  const volume = isWindows ? "c:\\cache" : "/cache";
  const docker = complete["docker"];
  if (isTable(docker) && docker["disable_cache"] === true && !isWindows) return complete;
  const volumes = isTable(docker) && isList(docker["volumes"]) ? docker["volumes"] : [];
  const isMounted = volumes.some((given) =>
    typeof given === "string" && (given === volume || given.endsWith(`:${volume}`))
  );
  return isMounted ? complete : setAt(complete, ["docker", "volumes"], [...volumes, volume]);
}

/** A parsed TOML table as an entry. Dates of smol-toml are dates; big integers stay out. */
export function toEntry(table: unknown): EntryTable {
  const entry: Record<string, EntryValue> = {};
  if (typeof table !== "object" || table === null) return entry;
  for (const [key, value] of Object.entries(table)) {
    const converted = toEntryValue(value);
    if (converted !== undefined) entry[key] = converted;
  }
  return entry;
}

function toEntryValue(value: unknown): EntryValue | undefined {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
    return value;
  }
  if (value instanceof Date) return value;
  if (Array.isArray(value)) return value.flatMap((item) => toEntryValue(item) ?? []);
  return typeof value === "object" && value !== null ? toEntry(value) : undefined;
}

function isList(value: EntryValue | undefined): value is readonly EntryValue[] {
  return Array.isArray(value);
}

function isTable(value: EntryValue | undefined): value is EntryTable {
  return typeof value === "object" && !Array.isArray(value) && !(value instanceof Date);
}
