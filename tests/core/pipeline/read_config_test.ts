import { expect, test } from "bun:test";
import { load } from "js-yaml";
import { z } from "zod";
import type { CiConfig } from "../../../core/pipeline/ci_config.ts";
import type { CiSource, FetchedFile, FileElsewhere } from "../../../core/pipeline/ci_source.ts";
import { CiConfigError, describeProblem } from "../../../core/pipeline/place.ts";
import { readConfig } from "../../../core/pipeline/read_config.ts";
import { type CaseFile, loadCases } from "./case_file.ts";
import { firstDifference } from "./matches.ts";

const Options = z.strictObject({
  file: z.string().default(".gitlab-ci.yml"),
  variables: z.record(z.string(), z.string()).default({}),
  inputs: z.record(z.string(), z.string()).default({}),
  /** Paths that changed; without them everything counts as changed. */
  changed: z.array(z.string()).optional(),
});

interface Outcome {
  readonly errors: string[];
  readonly warnings: string[];
  readonly lint: string[];
  readonly config: unknown;
  readonly preview: unknown;
}

/**
 * Files of other places are files of the case below `elsewhere/`: `elsewhere/project/group/lib@v1/a.yml`,
 * `elsewhere/remote/example.com/a.yml`, `elsewhere/template/Go.gitlab-ci.yml`,
 * `elsewhere/component/gitlab.example.com/group/lib/build@1.0/template.yml`.
 */
for (const read of await loadCases("reading")) {
  test(`readConfig: ${read.name}: ${read.about}`, async () => {
    const options = Options.parse(load(read.sections.get("options") ?? "{}"));
    const outcome = await outcomeOf(read, options);
    expect(outcome.errors).toEqual(linesOf(read.sections.get("errors")));
    const warnings = read.sections.get("warnings");
    if (warnings !== undefined) expect(outcome.warnings).toEqual(linesOf(warnings));
    const lint = read.sections.get("lint");
    if (lint !== undefined) expect(outcome.lint).toEqual(linesOf(lint));
    const expected = read.sections.get("expect");
    if (expected !== undefined) {
      expect(firstDifference(outcome.config, load(expected))).toBeUndefined();
    }
    const preview = read.sections.get("preview");
    if (preview !== undefined) expect(outcome.preview).toEqual(load(preview));
  });
}

async function outcomeOf(read: CaseFile, options: z.infer<typeof Options>): Promise<Outcome> {
  try {
    const config = await readConfig(sourceOf(read, options.changed), {
      ...options,
      signal: new AbortController().signal,
    });
    return {
      errors: [],
      warnings: config.warnings.map(describeProblem),
      lint: config.lint.map(describeProblem),
      config: plain(config),
      preview: config.preview,
    };
  } catch (error) {
    if (!(error instanceof CiConfigError)) throw error;
    const errors = error.problems.map(describeProblem);
    return { errors, warnings: [], lint: [], config: {}, preview: {} };
  }
}

/** A configuration with its jobs as a mapping, and their names in order. */
function plain(config: CiConfig): Record<string, unknown> {
  return { ...config, names: [...config.jobs.keys()], jobs: Object.fromEntries(config.jobs) };
}

function linesOf(section: string | undefined): string[] {
  return section?.split("\n").filter((line) => line !== "") ?? [];
}

function sourceOf({ files }: CaseFile, changed: readonly string[] | undefined): CiSource {
  const own = [...files.keys()].filter((path) => !path.startsWith("elsewhere/"));
  return {
    read: (path) => Promise.resolve(own.includes(path) ? files.get(path) : undefined),
    files: () => own,
    changedFiles: () => changed,
    fetch: (file) => Promise.resolve(fetched(file, files)),
    filesOf: ({ project, ref }) => {
      const folder = `elsewhere/project/${project}${ref === undefined ? "" : `@${ref}`}/`;
      const paths = [...files.keys()].filter((path) => path.startsWith(folder));
      return Promise.resolve(paths.map((path) => path.slice(folder.length)));
    },
  };
}

function fetched(file: FileElsewhere, files: ReadonlyMap<string, string>): FetchedFile {
  switch (file.kind) {
    case "project": {
      const ref = file.ref === undefined ? "" : `@${file.ref}`;
      const text = files.get(`elsewhere/project/${file.project}${ref}/${file.path}`);
      return text === undefined
        ? {
          kind: "missing",
          message: `Project \`${file.project}\` file \`${file.path}\` does not exist!`,
        }
        : { kind: "found", text, project: { project: file.project, ref: file.ref } };
    }
    case "remote": {
      const text = files.get(`elsewhere/remote/${file.url.replace(/^https?:\/\//, "")}`);
      const message = `Remote file \`${file.url}\` could not be fetched because of HTTP code ` +
        "`404` error!";
      return text === undefined
        ? { kind: "missing", message }
        : { kind: "found", text, project: undefined };
    }
    case "template": {
      const text = files.get(`elsewhere/template/${file.name}`);
      const message = `Included file \`${file.name}\` is empty or does not exist!`;
      return text === undefined
        ? { kind: "missing", message }
        : { kind: "found", text, project: undefined };
    }
    case "component": {
      const text = files.get(`elsewhere/component/${file.address}/template.yml`);
      const [path = "", reference = ""] = file.address.split("@");
      const name = path.split("/").at(-1) ?? "";
      return text === undefined ? { kind: "missing", message: `Content not found` } : {
        kind: "found",
        text,
        project: { project: path.split("/").slice(1, -1).join("/"), ref: reference },
        component: { name, sha: "0123abcd", version: reference, reference },
      };
    }
  }
}
