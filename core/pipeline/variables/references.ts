/** References to variables in texts, as GitLab finds them: `$NAME`, `${NAME}` and `%NAME%`. */

/** `$$` and `%%` are no reference, and stay as they are until the job's script sees them. */
const IN_VALUE =
  /\$\$|%%|\$([A-Za-z_][A-Za-z0-9_]*)|\$\{([A-Za-z_][A-Za-z0-9_]*)?\}|%([A-Za-z_][A-Za-z0-9_]*)%/g;
const IN_NAME =
  /\$([A-Za-z_][A-Za-z0-9_]*)|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|%([A-Za-z_][A-Za-z0-9_]*)%/g;
/** What the runner expands when it runs the job: there, `%` means nothing. */
const IN_RUNNER_TEXT = /\$\$|\$([A-Za-z_][A-Za-z0-9_]*)|\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/** The text that takes the place of a reference; undefined: the reference stays. */
export type Substitute = (name: string) => string | undefined;

/** Whether there can be a reference in the text; most texts have none. */
export function mayRefer(text: string): boolean {
  return text.includes("$") || text.includes("%");
}

/** Names that a variable's value refers to. */
export function referencesIn(value: string): string[] {
  if (!mayRefer(value)) return [];
  return [...value.matchAll(IN_VALUE)].flatMap((match) => match[1] ?? match[2] ?? match[3] ?? []);
}

/** The same of a text that the runner expands. */
export function runnerReferencesIn(text: string): string[] {
  return [...text.matchAll(IN_RUNNER_TEXT)].flatMap((match) => match[1] ?? match[2] ?? []);
}

/** Expands a variable's value. */
export function expandValue(value: string, substitute: Substitute): string {
  return replaced(value, IN_VALUE, substitute);
}

/** Expands a name or path that GitLab itself reads, such as that of an environment. */
export function expandName(text: string, substitute: Substitute): string {
  return replaced(text, IN_NAME, substitute);
}

/** Expands in advance what the runner would expand, such as an image; what is not known stays. */
export function expandRunnerText(text: string, substitute: Substitute): string {
  return replaced(text, IN_RUNNER_TEXT, substitute);
}

function replaced(text: string, form: RegExp, substitute: Substitute): string {
  if (!mayRefer(text)) return text;
  return text.replace(form, (whole, ...groups) => {
    const name = groups.slice(0, 3).find((group) => typeof group === "string");
    return name === undefined ? whole : substitute(name) ?? whole;
  });
}
