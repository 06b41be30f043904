/** `$VAR` expansion as GitLab Runner does it, which is as Go's `os.Expand` does it. */

const SPECIAL = /[*#$@!?\-0-9]/;
const WORD = /[A-Za-z0-9_]/;

/**
 * Replaces `$NAME` and `${NAME}` by `lookup(NAME)`, `$$` by `$`. The shell's special parameters
 * (`$*`, `$1`…) become empty, a `$` before anything else stays.
 */
export function expand(text: string, lookup: (name: string) => string): string {
  if (!text.includes("$")) return text;
  let out = "";
  let copied = 0;
  for (let at = text.indexOf("$"); at >= 0 && at + 1 < text.length; at = text.indexOf("$", at)) {
    const { name, length } = nameAt(text, at + 1);
    out += text.slice(copied, at);
    if (name !== "") out += valueOf(name, lookup);
    else if (length === 0) out += "$";
    at += 1 + length;
    copied = at;
  }
  return out + text.slice(copied);
}

function valueOf(name: string, lookup: (name: string) => string): string {
  if (name === "$") return "$";
  return name.length === 1 && SPECIAL.test(name) ? "" : lookup(name);
}

/** The name behind a `$` and how many characters it takes; broken braces are swallowed. */
function nameAt(text: string, at: number): { name: string; length: number } {
  const first = text.charAt(at);
  if (first === "{") {
    const end = text.indexOf("}", at);
    return end < 0
      ? { name: "", length: 1 }
      : { name: text.slice(at + 1, end), length: end + 1 - at };
  }
  if (SPECIAL.test(first)) return { name: first, length: 1 };
  let end = at;
  while (end < text.length && WORD.test(text.charAt(end))) end++;
  return { name: text.slice(at, end), length: end - at };
}
