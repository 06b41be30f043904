/** A job's variables: layers, expansion, file variables, what to hide (inventory section 5.3). */

import { beyondEnvironment } from "./environment_room.ts";
import { expand } from "./expand.ts";
import type { JobVariable } from "./response.ts";

/** A variable as a script gets it. For a file variable, `value` is the path and `content` the text. */
export interface ExpandedVariable {
  readonly key: string;
  readonly value: string;
  readonly masked: boolean;
  readonly public: boolean;
  readonly content: string | undefined;
  /** Programs get it; otherwise it is the script's own. */
  readonly exported: boolean;
}

/** A variable made by the runner itself: public, not masked, taken as it is. */
export function runnerVariable(
  key: string,
  value: string,
  options: { file?: boolean; masked?: boolean } = {},
): JobVariable {
  return {
    key,
    value,
    public: options.masked !== true,
    masked: options.masked ?? false,
    file: options.file ?? false,
    raw: true,
  };
}

/** The resolved variables of one job. Immutable. */
export class JobVariables {
  readonly #variables: ReadonlyMap<string, ExpandedVariable>;
  readonly #declared: readonly JobVariable[];
  readonly #fileDirectory: string;

  /**
   * `declared` in rising precedence: the last definition of a key wins, at its first place in the
   * order. File variables live in `fileDirectory`; inside other values they stand for their path.
   * Expansion is one pass: a value sees the unexpanded values of the others.
   */
  constructor(declared: readonly JobVariable[], fileDirectory: string) {
    this.#declared = declared;
    this.#fileDirectory = fileDirectory;
    const last = new Map<string, JobVariable>();
    for (const variable of declared) last.set(variable.key, variable);
    const path = (key: string) => `${fileDirectory}/${key}`;
    const unexpanded = (name: string) => {
      const variable = last.get(name);
      if (variable === undefined) return "";
      return variable.file ? path(name) : variable.value;
    };
    const expanded = new Map<string, Omit<ExpandedVariable, "exported">>();
    for (const { key, value, raw, file, masked, public: isPublic } of last.values()) {
      const text = raw ? value : expand(value, unexpanded);
      expanded.set(key, {
        key,
        value: file ? path(key) : text,
        masked,
        public: isPublic,
        content: file ? text : undefined,
      });
    }
    const beyond = beyondEnvironment([...expanded.values()].filter(({ key }) => isName(key)));
    this.#variables = new Map(
      [...expanded].map(([key, each]) => [key, { ...each, exported: !beyond.has(key) }]),
    );
  }

  /** In the order of first declaration, also under names that no shell takes (`discovery.type`). */
  get entries(): readonly ExpandedVariable[] {
    return [...this.#variables.values()];
  }

  /** What a shell can have; other names serve expansion, and programs that no shell starts. */
  get all(): readonly ExpandedVariable[] {
    return this.entries.filter(({ key }) => isName(key));
  }

  get files(): readonly ExpandedVariable[] {
    return this.all.filter((variable) => variable.content !== undefined);
  }

  /** The value, or the path of a file variable; empty when unknown. */
  get(key: string): string {
    return this.#variables.get(key)?.value ?? "";
  }

  /** The value; of a file variable its text as well. Empty when unknown. */
  text(key: string): string {
    const variable = this.#variables.get(key);
    return variable?.content ?? variable?.value ?? "";
  }

  /** True for what Go calls true: 1, t, T, TRUE, true, True. */
  isTrue(key: string): boolean {
    return isTrue(this.get(key));
  }

  /** As `isTrue`, of the first definition: GitLab's own, which a pipeline cannot replace. */
  isTrueAtFirst(key: string): boolean {
    return isTrue(this.#declared.find((variable) => variable.key === key)?.value ?? "");
  }

  /** Expands references in a text of the job, such as an artifact's name. */
  expand(text: string): string {
    return expand(text, (name) => this.get(name));
  }

  /** The same variables with more on top. */
  with(...more: readonly JobVariable[]): JobVariables {
    return new JobVariables([...this.#declared, ...more], this.#fileDirectory);
  }

  /** Values that must not appear in the trace, in their declared and their expanded form. */
  get secrets(): readonly string[] {
    const values = new Set<string>();
    for (const { masked, value } of this.#declared) if (masked) values.add(value);
    for (const { masked, value, content } of this.#variables.values()) {
      if (masked) values.add(content ?? value);
    }
    values.delete("");
    return [...values];
  }
}

function isTrue(value: string): boolean {
  return /^(1|t|T|TRUE|true|True)$/.test(value);
}

/** What every shell accepts as a variable's name; anything else cannot be exported. */
function isName(key: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(key);
}
