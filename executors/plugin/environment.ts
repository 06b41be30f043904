/** What a plugin finds in its environment: what programs need to work, and nothing of the runner's. */

const ALLOWED: ReadonlySet<string> = new Set([
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "SHELL",
  "LANG",
  "TZ",
  "TMPDIR",
  "SYSTEMROOT",
  "COMSPEC",
  "PATHEXT",
  "TEMP",
  "TMP",
  "USERPROFILE",
  "APPDATA",
  "LOCALAPPDATA",
  "PROGRAMDATA",
]);

/** `configured` are `NAME=value` entries of `[runners.plugin]`; they win. */
export function pluginEnvironment(
  manager: Readonly<Record<string, string | undefined>>,
  configured: readonly string[],
): Readonly<Record<string, string>> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(manager)) {
    const known = ALLOWED.has(name.toUpperCase()) || name.startsWith("LC_");
    if (value !== undefined && known) env[name] = value;
  }
  for (const entry of configured) {
    const at = entry.indexOf("=");
    if (at > 0) env[entry.slice(0, at)] = entry.slice(at + 1);
  }
  return env;
}
