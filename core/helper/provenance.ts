/** Provenance of an artifact: an in-toto statement (SLSA v1) packed beside what it describes. */

import { closeSync, constants, openSync, rmSync, writeSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { readEntry } from "../archive/entry.ts";
import type { Entries } from "../archive/entry_list.ts";
import type { ArchiveFormat } from "../archive/format.ts";
import { ConfigurationError } from "../errors.ts";
import { buildInfo, goPlatform } from "../version.ts";
import type { HelperFlag, HelperValues } from "./flags.ts";
import type { HelperContext } from "./helper_command.ts";

export const PROVENANCE_FLAGS: readonly HelperFlag[] = [
  { name: "generate-artifacts-metadata", type: "bool", help: "Add a provenance statement" },
  { name: "runner-id", type: "string", help: "Runner, for the statement" },
  { name: "repo-url", type: "string", help: "Source, for the statement" },
  { name: "repo-digest", type: "string", help: "Commit, for the statement" },
  { name: "job-name", type: "string", help: "Job, for the statement" },
  { name: "executor-name", type: "string", help: "Executor, for the statement" },
  { name: "runner-name", type: "string", help: "Runner's name, for the statement" },
  { name: "metadata-parameter", type: "list", help: "Name of a variable, for the statement" },
  { name: "started-at", type: "string", help: "Start of the job, RFC 3339" },
  { name: "ended-at", type: "string", help: "End of the job, RFC 3339; now when left out" },
  { name: "schema-version", type: "string", default: "v1", help: "Version of the statement" },
];

interface Sources extends AsyncDisposable {
  readonly files: Entries;
}

/**
 * The files to pack, with the statement about them when it is asked for and the format has room for
 * it. Disposing removes the statement from the project again.
 */
export async function withProvenance(
  archive: { files: Entries; name: string; format: ArchiveFormat },
  values: HelperValues,
  context: HelperContext,
): Promise<Sources> {
  const { files, name, format } = archive;
  if (!values.bool("generate-artifacts-metadata") || format !== "zip") {
    return { files, async [Symbol.asyncDispose]() {} };
  }
  const version = values.text("schema-version");
  if (version !== "v1") {
    throw new ConfigurationError(`Unknown schema version "${version}": only v1 is known`);
  }
  const path = `${name}-metadata.json`;
  const described = [...files].filter((entry) => entry.path !== path);
  const statement = await provenanceStatement(described, values, context);
  const full = join(context.cwd, path);
  writeNew(full, `${JSON.stringify(statement, undefined, 1)}\n`);
  const entry = readEntry(context.cwd, path);
  return {
    files: entry === undefined ? described : [...described, entry],
    async [Symbol.asyncDispose]() {
      rmSync(full, { force: true });
    },
  };
}

async function provenanceStatement(
  files: Entries,
  values: HelperValues,
  { cwd, env }: HelperContext,
) {
  const subject = [];
  for (const entry of files) {
    if (entry.kind !== "file") continue;
    subject.push({ name: entry.path, digest: { sha256: await sha256(join(cwd, entry.path)) } });
  }
  const origin = URL.parse(values.text("repo-url"))?.origin ?? "";
  const digest = { sha256: values.text("repo-digest") };
  const variables = Object.fromEntries(values.list("metadata-parameter").map((name) => [name, ""]));
  return {
    _type: "https://in-toto.io/Statement/v1",
    subject,
    predicateType: "https://slsa.dev/provenance/v1",
    predicate: {
      buildDefinition: {
        buildType: "https://gitlab.com/gitlab-org/gitlab-runner/-/blob/" +
          `${buildInfo.revision}/PROVENANCE.md`,
        externalParameters: {
          source: values.text("repo-url"),
          entryPoint: values.text("job-name"),
          variables,
        },
        internalParameters: {
          name: values.text("runner-name"),
          executor: values.text("executor-name"),
          architecture: goPlatform().arch,
          job: values.text("id") || (env["CI_JOB_ID"] ?? ""),
        },
        resolvedDependencies: [{ uri: values.text("repo-url"), digest }],
      },
      runDetails: {
        builder: {
          id: `${origin}/-/runners/${values.text("runner-id")}`,
          version: { "gitlab-runner": buildInfo.revision },
        },
        metadata: {
          invocationId: values.text("id"),
          startedOn: values.text("started-at"),
          finishedOn: values.text("ended-at") || new Date().toISOString(),
        },
      },
    },
  };
}

const READ_SIZE = 1 << 20;

async function sha256(path: string): Promise<string> {
  await using file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  const hash = new Bun.CryptoHasher("sha256");
  const buffer = Buffer.allocUnsafe(READ_SIZE);
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, READ_SIZE);
    if (bytesRead === 0) return hash.digest("hex");
    hash.update(buffer.subarray(0, bytesRead));
  }
}

/** A file or link that the job left under this name is replaced, not written through. */
function writeNew(path: string, text: string): void {
  rmSync(path, { force: true });
  const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o644);
  try {
    writeSync(fd, text);
  } finally {
    closeSync(fd);
  }
}
