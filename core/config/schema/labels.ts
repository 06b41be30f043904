/** Labels that go to GitLab with every request for a job, held to what GitLab accepts. */

import type { Finding } from "../normalise.ts";
import { type Key, map, once } from "../keys.ts";

export type Labels = Readonly<Record<string, string>>;

const NAME = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{2,64}$/;
const VALUE = /^[a-zA-Z0-9._-]{1,256}$/;
const MOST = 32;

/** A table of labels, which no flag sets. */
export function labels(about: string): Key<Labels> {
  const key = map(about, { flag: null });
  const schema = once(() =>
    key.schema().superRefine((given, context) => {
      for (const [name, value] of Object.entries(given)) {
        const message = problemOf(name, value);
        if (message !== undefined) context.addIssue({ code: "custom", path: [name], message });
      }
    })
  );
  return { ...key, schema };
}

function problemOf(name: string, value: string): string | undefined {
  if (!NAME.test(name)) {
    return "the name of a label has 3 to 65 letters, digits, dots, dashes and underscores, the " +
      "first of them no dot and no dash";
  }
  if (VALUE.test(value)) return undefined;
  return `the value of a label has 1 to 256 letters, digits, dots, dashes and underscores, not ` +
    JSON.stringify(value);
}

/** Runners that have too many labels, those of the whole file included. */
export function labelCountProblems(
  config: {
    readonly labels: Labels;
    readonly runners: readonly { readonly labels: Labels }[];
  },
): readonly Finding[] {
  return config.runners.flatMap((runner, index) => {
    const count = Object.keys({ ...config.labels, ...runner.labels }).length;
    if (count <= MOST) return [];
    const message = `${count} labels with the global ones, but GitLab takes ${MOST} at most`;
    return [{ path: ["runners", index, "labels"], message }];
  });
}
