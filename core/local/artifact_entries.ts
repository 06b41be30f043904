/** `artifacts` of a job as the uploads that GitLab makes of them. */

import type { JobArtifacts } from "../job/response.ts";
import type { CiArtifacts } from "../pipeline/ci_config.ts";

/** Name of the uploaded file, where GitLab gives it one. */
const FILE_NAMES: Readonly<Record<string, string>> = {
  junit: "junit.xml",
  dotenv: ".env",
  metrics: "metrics.txt",
  codequality: "gl-code-quality-report.json",
  terraform: "tfplan.json",
  cobertura: "cobertura-coverage.xml",
  jacoco: "jacoco-coverage.xml",
  accessibility: "gl-accessibility.json",
  cyclonedx: "gl-sbom.cdx.json",
  annotations: "gl-annotations.json",
};

/** Reports that GitLab wants as they are, and those it wants as an archive; all others are gzipped. */
const RAW =
  /^(?:accessibility|api_fuzzing|browser_performance|cluster_image_scanning|codequality|container_scanning|coverage_fuzzing|dast|dependency_scanning|load_performance|performance|requirements|requirements_v2|sast|secret_detection|terraform)$/;
const ZIPPED = /^(?:lsif|trace)$/;

export function artifactEntries(artifacts: CiArtifacts): JobArtifacts[] {
  const { paths, untracked } = artifacts;
  const archive: JobArtifacts = {
    name: artifacts.name,
    untracked,
    paths: [...paths],
    exclude: [...artifacts.exclude],
    when: artifacts.when,
    expire_in: artifacts.expireIn,
    artifact_type: "archive",
    artifact_format: "zip",
  };
  const reports = Object.entries(artifacts.reports)
    .map(([type, files]) => reportEntry(type, files, artifacts));
  return paths.length > 0 || untracked ? [archive, ...reports] : reports;
}

/** `coverage_report:cobertura` is uploaded by the name of its format. */
function reportEntry(
  name: string,
  paths: readonly string[],
  { expireIn }: CiArtifacts,
): JobArtifacts {
  const type = name.replace(/^coverage_report\W/, "");
  return {
    name: FILE_NAMES[type] ?? `gl-${type.replaceAll("_", "-")}-report.json`,
    untracked: false,
    paths: [...paths],
    exclude: [],
    when: "always",
    expire_in: expireIn,
    artifact_type: type,
    artifact_format: RAW.test(type) ? "raw" : ZIPPED.test(type) ? "zip" : "gzip",
  };
}
