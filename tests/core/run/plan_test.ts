import { expect, test } from "bun:test";
import { planJob } from "../../../core/run/plan.ts";
import { bash } from "../../../shells/bash.ts";
import { HEAD, planContext } from "./context.ts";

const variable = (key: string, value: string) => ({ key, value });

function text(ops: Parameters<typeof bash.render>[0]): string {
  return bash.render(ops, { debugTrace: false, checkExitCodes: false });
}

test("planJob() needs no script to say that there are no sources", () => {
  const plan = planJob(planContext({ variables: [variable("GIT_STRATEGY", "none")] }));
  expect(plan.getSources.ops.map((op) => op.kind === "print" ? op.text : op.kind)).toEqual([
    "Skipping Git repository setup",
    "Skipping Git checkout",
    "Skipping Git submodules setup",
  ]);
  expect(plan.prepare.ops).toEqual([{ kind: "print", style: "plain", text: "Running on vm..." }]);
});

test("planJob() never puts a token into a program's arguments or into git's configuration", () => {
  const context = planContext({
    variables: [variable("GIT_SUBMODULE_STRATEGY", "recursive")],
    dependencies: [{
      id: 1,
      name: "a",
      token: "glcbt-64_other",
      artifacts_file: { filename: "a.zip" },
    }],
    artifacts: [{ paths: ["out"], artifact_format: "zip" }],
    cache: [{ key: "k", paths: ["vendor"] }],
  });
  const plan = planJob(context);
  const stages = [
    plan.getSources,
    plan.restoreCache,
    plan.downloadArtifacts,
    plan.archiveCache("success"),
    plan.uploadArtifacts("success"),
    plan.cleanup,
  ];
  const words: string[] = [];
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) return value.forEach(visit);
    if (typeof value !== "object" || value === null) return;
    if ("argv" in value && Array.isArray(value.argv)) words.push(...value.argv);
    if ("kind" in value && value.kind === "write-file" && "content" in value) {
      words.push(String(value.content));
    }
    Object.values(value).forEach(visit);
  };
  visit(stages.map((stage) => stage.ops));
  expect(words.length).toBeGreaterThan(50);
  expect(words.filter((word) => /jobtoken|64_other/.test(word))).toEqual([]);
});

test("planJob() lets no variable of the job steer a call of this executable", () => {
  const context = planContext({
    variables: [variable("BUN_OPTIONS", "--preload evil"), variable("https_proxy", "http://p:1")],
    artifacts: [{ paths: ["out"] }],
  });
  const exported = planJob(context).uploadArtifacts("success").ops
    .flatMap((op) => op.kind === "export" ? [op.name] : []);
  expect(exported).toContain("https_proxy");
  expect(exported).not.toContain("BUN_OPTIONS");
  expect(text(planJob(context).uploadArtifacts("success").ops)).toContain("unset");
});

test("planJob() picks artifacts and caches by how the job ended", () => {
  const context = planContext({
    artifacts: [
      { name: "ok", paths: ["a"] },
      { name: "bad", paths: ["b"], when: "on_failure" },
      { name: "both", paths: ["c"], when: "always" },
      { name: "nothing", paths: [], when: "always" },
    ],
  });
  const names = (outcome: "success" | "failure") =>
    [...text(planJob(context).uploadArtifacts(outcome).ops).matchAll(/--name (\w+)/g)]
      .map((match) => match[1]);
  expect(names("success")).toEqual(["ok", "both"]);
  expect(names("failure")).toEqual(["bad", "both"]);
  expect(planJob(context).uploadArtifacts("success").name).toBe("upload_artifacts_on_success");
  expect(planJob(context).archiveCache("failure").ops).toEqual([]);
});

test("planJob() resolves cache keys, fallbacks and policies", () => {
  const context = planContext({
    variables: [variable("CACHE_FALLBACK_KEY", "main-protected"), variable("POLICY", "pull")],
    cache: [
      { key: "$CI_JOB_NAME/../x y", paths: ["v"], fallback_keys: ["old"], policy: "$POLICY" },
      { key: "", paths: ["w"], policy: "push" },
    ],
  });
  const plan = planJob(context);
  const said = plan.restoreCache.ops.flatMap((op) => op.kind === "print" ? [op.text] : []);
  expect(said).toContain('cache key "/../x y" sanitized to "x y"');
  expect(said).toContain('CACHE_FALLBACK_KEY "main-protected" not allowed to end in "-protected"');
  expect(said).toContain("Not downloading cache unit/main due to policy");
  expect(text(plan.restoreCache.ops)).toContain("Checking cache for old...");
  expect(text(plan.archiveCache("success").ops)).toContain("Not uploading cache x y due to policy");
});

test("planJob() announces commands as GitLab Runner does", () => {
  const context = planContext({
    steps: [
      { name: "script", script: ["make test", "if true; then\n  x\nfi", ""] },
      { name: "release", script: ["publish"] },
      { name: "after_script", script: ["echo done"] },
    ],
  }, ['pre_build_script = "echo pre"']);
  const plan = planJob(context);
  expect(plan.steps.map((step) => step.name)).toEqual(["step_script", "step_release"]);
  const echoed = plan.steps[0]!.ops.flatMap((op) =>
    op.kind === "user-command" && op.echo ? [op.echo.text] : []
  );
  expect(echoed).toEqual([
    "$ echo pre",
    "$ make test",
    "$ if true; then # collapsed multi-line command",
  ]);
  const after = plan.afterScript("failed").ops;
  expect(after).toContainEqual({ kind: "export", name: "CI_JOB_STATUS", value: "failed" });
});

test("planJob() makes sections of multi-line commands when FF_SCRIPT_SECTIONS is on", () => {
  const context = planContext({
    variables: [variable("FF_SCRIPT_SECTIONS", "true")],
    steps: [{ name: "script", script: ["a\nb"] }],
  });
  const command = planJob(context).steps[0]!.ops.find((op) => op.kind === "user-command");
  expect(command?.kind === "user-command" && command.echo).toEqual({
    kind: "section",
    name: "section_script_0",
    text: "$ a\nb",
  });
});

test("planJob() refuses a commit that git could take for an option", () => {
  const context = planContext({
    git_info: { repo_url: "https://h/a.git", sha: "--upload-pack=x" },
  });
  expect(() => planJob(context)).toThrow('Cannot check out "--upload-pack=x"');
  expect(() => planJob(planContext({ git_info: { repo_url: "https://h/a.git", sha: HEAD } }))).not
    .toThrow();
});

test("planJob() fetches the depth that is asked for, and all of it for 0", () => {
  const script = (depth: string) =>
    text(planJob(planContext({ variables: [variable("GIT_DEPTH", depth)] })).getSources.ops);
  expect(script("3")).toContain("--depth 3 --prune --quiet");
  expect(script("0")).toContain("--unshallow");
  expect(script("0")).toContain("Fetching changes...");
});

test("planJob() asks for a provenance statement only where one has room", () => {
  const context = planContext({
    variables: [variable("RUNNER_GENERATE_ARTIFACTS_METADATA", "true")],
    artifacts: [
      { paths: ["a"], artifact_type: "archive", artifact_format: "zip" },
      { paths: ["b"], artifact_type: "junit", artifact_format: "gzip" },
    ],
  });
  const script = text(planJob(context).uploadArtifacts("success").ops);
  expect(script.match(/--generate-artifacts-metadata/g)).toHaveLength(1);
  expect(script).toContain(`--repo-digest ${HEAD}`);
  expect(script).toContain("--metadata-parameter RUNNER_GENERATE_ARTIFACTS_METADATA");
});
