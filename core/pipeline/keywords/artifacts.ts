/** `artifacts` and `release`. */

import type { CiArtifacts } from "../ci_config.ts";
import { child, isNull, type Plain, toPlain } from "../yaml/node.ts";
import type { Entry, MappingEntry } from "./entry.ts";

const KEYS = [
  "name",
  "untracked",
  "paths",
  "reports",
  "when",
  "expire_in",
  "expose_as",
  "exclude",
  "public",
  "access",
];
const REPORTS = [
  "accessibility",
  "annotations",
  "api_fuzzing",
  "browser_performance",
  "cluster_image_scanning",
  "codequality",
  "container_scanning",
  "coverage_fuzzing",
  "coverage_report",
  "cyclonedx",
  "dast",
  "dependency_scanning",
  "dotenv",
  "junit",
  "license_scanning",
  "load_performance",
  "lsif",
  "metrics",
  "performance",
  "repository_xray",
  "requirements",
  "requirements_v2",
  "sarif",
  "sast",
  "scip",
  "secret_detection",
  "terraform",
];
const ACCESS = ["none", "developer", "maintainer", "all"] as const;
const MAX_EXPOSE_AS = 100;

export function readArtifacts(entry: Entry): CiArtifacts | undefined {
  const artifacts = entry.asMapping();
  if (artifacts === undefined) return undefined;
  artifacts.checkKeys(KEYS);
  artifacts.checkExclusive(["public", "access"]);
  artifacts.boolean("public");
  const paths = artifacts.strings("paths");
  return {
    name: artifacts.string("name") ?? "",
    paths: paths ?? [],
    exclude: artifacts.strings("exclude") ?? [],
    untracked: artifacts.boolean("untracked") ?? false,
    when: artifacts.oneOf("when", ["on_success", "on_failure", "always"]) ?? "on_success",
    expireIn: artifacts.duration("expire_in", { never: true }) ?? "",
    exposeAs: readExposeAs(artifacts, paths),
    access: artifacts.oneOf("access", ACCESS),
    reports: readReports(artifacts),
  };
}

function readExposeAs(
  entry: MappingEntry,
  paths: readonly string[] | undefined,
): string | undefined {
  const name = entry.string("expose_as");
  if (name === undefined) return undefined;
  if (name.length > MAX_EXPOSE_AS) {
    return entry.reportKey("expose_as", `is too long (maximum is ${MAX_EXPOSE_AS} characters)`);
  }
  if (!/^\w[-\w ]*$/.test(name)) {
    const words = "can contain only letters, digits, '-', '_' and spaces";
    return entry.reportKey("expose_as", words);
  }
  if (paths === undefined || paths.length === 0) return entry.reportKey("paths", "can't be blank");
  return paths.some((path) => path.includes("*"))
    ? entry.reportKey("paths", "can't contain '*' when used with 'expose_as'")
    : name;
}

function readReports(entry: MappingEntry): CiArtifacts["reports"] {
  const node = child(entry.node, "reports");
  if (node === undefined) return {};
  if (node.kind !== "mapping") {
    entry.reportKey("reports", "should be a hash");
    return {};
  }
  const reports = entry.below("reports", node);
  reports.checkKeys(REPORTS);
  const found: Record<string, readonly string[]> = {};
  for (const type of REPORTS) {
    if (child(node, type) === undefined) continue;
    if (type === "coverage_report") {
      const coverage = readCoverageReport(reports);
      if (coverage !== undefined) found[`${type}:${coverage.format}`] = [coverage.path];
    } else {
      const paths = reports.stringOrStrings(type);
      if (paths !== undefined) found[type] = paths;
    }
  }
  return found;
}

function readCoverageReport(entry: MappingEntry) {
  const coverage = entry.at("coverage_report");
  if (coverage === undefined) return undefined;
  if (!coverage.isMapping()) return coverage.report("config should be a hash");
  coverage.checkKeys(["coverage_format", "path"]);
  for (const key of ["coverage_format", "path"]) {
    if (isNull(child(coverage.node, key))) coverage.reportKey(key, "can't be blank");
  }
  const format = coverage.oneOf(
    "coverage_format",
    ["cobertura", "jacoco"],
    "must be one of supported formats: cobertura, jacoco.",
  );
  const path = coverage.string("path");
  return format === undefined || path === undefined ? undefined : { format, path };
}

export const NO_ARTIFACTS: CiArtifacts = {
  name: "",
  paths: [],
  exclude: [],
  untracked: false,
  when: "on_success",
  expireIn: "",
  exposeAs: undefined,
  access: undefined,
  reports: {},
};

/** Checked, and kept as written. */
export function readRelease(entry: Entry): Readonly<Record<string, unknown>> | undefined {
  const release = entry.asMapping();
  if (release === undefined) return undefined;
  release.checkKeys([
    "tag_name",
    "tag_message",
    "name",
    "description",
    "ref",
    "milestones",
    "released_at",
    "assets",
  ]);
  for (const key of ["tag_name", "description"]) {
    if (child(release.node, key) === undefined || release.string(key) === "") {
      release.reportKey(key, "can't be blank");
    }
  }
  for (const key of ["tag_message", "name", "ref", "released_at"]) release.string(key);
  release.stringOrStrings("milestones");
  checkAssets(release);
  return plainRecord(release);
}

function checkAssets(release: MappingEntry): void {
  const assets = release.at("assets")?.asMapping();
  assets?.checkKeys(["links"]);
  const links = assets?.at("links");
  if (links?.node.kind !== "sequence") return;
  for (const node of links.node.items) {
    links.below("link", node).asMapping()?.checkKeys(["name", "url", "filepath", "link_type"]);
  }
}

export function plainRecord(entry: MappingEntry): Readonly<Record<string, Plain>> {
  return Object.fromEntries(
    [...entry.node.entries].map(([key, { value }]) => [key, toPlain(value)]),
  );
}
