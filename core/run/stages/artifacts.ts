/** Build stages `download_artifacts` and `upload_artifacts_*`, by helper commands. */

import type { JobArtifacts, JobDependency } from "../../job/response.ts";
import type { ScriptOp } from "../../shell.ts";
import type { PlanContext } from "../context.ts";
import { applies, helperCall, helperPreamble } from "./common.ts";
import { repository } from "./git_config.ts";
import { notice } from "./print.ts";

/** Empty when no job this one depends on has artifacts. */
export function downloadArtifacts(context: PlanContext): readonly ScriptOp[] {
  const wanted = context.spec.dependencies.filter((each) => each.artifacts_file?.filename);
  if (wanted.length === 0) return [];
  // Today all have the job's own token; servers of before 2021 send one per dependency.
  const tokens = new Set(wanted.map((each) => each.token));
  return [
    ...helperPreamble(context, []),
    ...[...tokens].flatMap((token) =>
      downloadTogether(context, wanted.filter((each) => each.token === token), token)
    ),
  ];
}

/** One call fetches all of them at the same time; they are extracted in their order. */
function downloadTogether(
  context: PlanContext,
  dependencies: readonly JobDependency[],
  token: string,
): readonly ScriptOp[] {
  return [
    ...dependencies.map(({ name, id }) => notice(`Downloading artifacts for ${name} (${id})...`)),
    helperCall(
      context,
      "Artifacts downloading",
      [
        "artifacts-downloader",
        ...coordinatorFlags(context),
        ...dependencies.flatMap(({ id }) => ["--id", String(id)]),
        ...(context.flags.FF_USE_DIRECT_DOWNLOAD ? ["--direct-download"] : []),
      ],
      { CI_JOB_TOKEN: token || context.spec.token.reveal() },
    ),
  ];
}

/** Empty when nothing is to be uploaded after this outcome. */
export function uploadArtifacts(
  context: PlanContext,
  outcome: "success" | "failure",
): readonly ScriptOp[] {
  const entries = context.spec.artifacts.filter((each) =>
    applies(context.variables.expand(each.when), outcome) &&
    (each.paths.length > 0 || each.untracked)
  );
  if (entries.length === 0) return [];
  return [
    ...helperPreamble(
      context,
      entries.flatMap(({ name, paths, exclude }) => [name, ...paths, ...exclude]),
    ),
    ...entries.flatMap((entry) => [
      notice("Uploading artifacts..."),
      helperCall(
        context,
        "Uploading artifacts",
        uploaderFlags(context, entry),
        { CI_JOB_TOKEN: context.spec.token.reveal() },
      ),
    ]),
  ];
}

function uploaderFlags(context: PlanContext, entry: JobArtifacts): readonly string[] {
  const { runner } = context;
  const text = (flag: string, value: string) => value === "" ? [] : [flag, value];
  const limits = runner.artifact;
  return [
    "artifacts-uploader",
    ...coordinatorFlags(context),
    "--id",
    String(context.spec.id),
    ...(limits.upload_timeout === undefined ? [] : ["--timeout", `${limits.upload_timeout}ms`]),
    ...(limits.response_header_timeout === undefined
      ? []
      : ["--response-header-timeout", `${limits.response_header_timeout}ms`]),
    ...entry.paths.flatMap((path) => ["--path", path]),
    ...entry.exclude.flatMap((path) => ["--exclude", path]),
    ...(entry.untracked ? ["--untracked"] : []),
    ...text("--name", entry.name),
    ...text("--expire-in", entry.expire_in),
    ...text("--artifact-format", entry.artifact_format),
    ...text("--artifact-type", entry.artifact_type),
    ...(isArchive(entry) ? provenanceFlags(context) : []),
  ];
}

/** The kind of artifact that a provenance statement can be added to. */
function isArchive(entry: JobArtifacts): boolean {
  return ["", "archive"].includes(entry.artifact_type) &&
    ["", "zip"].includes(entry.artifact_format);
}

/** What the statement that `RUNNER_GENERATE_ARTIFACTS_METADATA` asks for is made of. */
function provenanceFlags(context: PlanContext): readonly string[] {
  const { variables, spec, runner, startedAt } = context;
  if (!variables.isTrue("RUNNER_GENERATE_ARTIFACTS_METADATA")) return [];
  const schema = variables.get("SLSA_PROVENANCE_SCHEMA_VERSION");
  return [
    "--generate-artifacts-metadata",
    ...["--runner-id", variables.get("CI_RUNNER_ID")],
    ...["--repo-url", repository(context).url.replace(/\.git$/, "")],
    ...["--repo-digest", spec.git.sha],
    ...["--job-name", spec.name],
    ...["--executor-name", runner.executor],
    ...["--runner-name", runner.name],
    ...["--started-at", startedAt.toISOString()],
    ...(schema === "" ? [] : ["--schema-version", schema]),
    ...spec.variables.flatMap(({ key }) => ["--metadata-parameter", key]),
  ];
}

function coordinatorFlags(context: PlanContext): readonly string[] {
  const tls = [
    ["--tls-ca-file", "CI_SERVER_TLS_CA_FILE"],
    ["--tls-cert-file", "CI_SERVER_TLS_CERT_FILE"],
    ["--tls-key-file", "CI_SERVER_TLS_KEY_FILE"],
  ] as const;
  return [
    "--url",
    context.runner.url,
    ...tls.flatMap(([flag, variable]) => {
      const path = context.variables.get(variable);
      return path === "" ? [] : [flag, path];
    }),
  ];
}
