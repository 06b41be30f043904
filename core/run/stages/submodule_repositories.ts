/**
 * Where the submodules of a reused checkout have their repositories. What an earlier job may have
 * put there instead would bring its own configuration, and with it programs that git starts.
 */

import type { ScriptOp } from "../../shell.ts";
import { GUARD_OPTIONS } from "./git_config.ts";

const git = ["git", ...GUARD_OPTIONS].join(" ");

/** Paths of the submodules in the index of `$1`, one a line. A path with a line feed is not found. */
const PATHS = `paths() {
${git} -C "$1" ls-files -s -z | tr '\\0' '\\n' | sed -n 's/^160000 [0-9a-f]* [0-9]//p' |
while IFS= read -r path; do printf '%s\\n' "$1/\${path#?}"; done
}`;

/** Prints a line when a submodule's `.git` is anything but the way into `.git/modules`. */
const FOREIGN = `${PATHS}
modules=$(cd .git/modules 2>/dev/null && pwd -P || echo .)
own() {
[ -f "$1/.git" ] && [ ! -L "$1/.git" ] && [ ! -L "$1" ] || return 1
IFS= read -r line < "$1/.git" || return 1
case $line in 'gitdir: '*) ;; *) return 1 ;; esac
home=$(cd "$1" && cd "\${line#gitdir: }" && pwd -P) || return 1
case $home in "$modules"/*) ;; *) return 1 ;; esac
}
check() {
paths "$1" | while IFS= read -r each; do
if [ -e "$each/.git" ] || [ -L "$each/.git" ]; then
if own "$each" 2>/dev/null; then check "$each"; else echo foreign; fi
fi
done
}
check . | grep -q foreign`;

const REMOVE = `${PATHS}
paths . | while IFS= read -r each; do
chmod -R u+rwX "$each" 2>/dev/null
rm -rf "$each"
done
rm -rf .git/modules`;

const shell = (script: string) => ["sh", "-c", script] as const;

/** Makes submodules of foreign repositories new; the current directory is the checkout. */
export function distrustSubmodules(): ScriptOp {
  return {
    kind: "when",
    condition: { kind: "succeeds", argv: shell(FOREIGN) },
    then: [removeSubmodules()],
  };
}

/** Removes the submodules and their repositories: the next update clones them. */
export function removeSubmodules(): ScriptOp {
  return { kind: "run", argv: shell(REMOVE) };
}
