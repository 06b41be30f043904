/** The environment of programs that know registry credentials. */

/** What they may need, and nothing of the manager's own. */
const HELPER_VARIABLE =
  /^(?:PATH|HOME|USER|LOGNAME|LANG|LC_\w+|TMPDIR|XDG_\w+|(?:https?|no|all)_proxy|(?:AWS|GOOGLE|CLOUDSDK|AZURE|DOCKER)_\w+)$/i;

export function helperEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] =>
      entry[1] !== undefined && HELPER_VARIABLE.test(entry[0])
    ),
  );
}
