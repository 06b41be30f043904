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
    name: "section_script_step_0",
    text: "$ a\nb",
  });
});

test("planJob() says who calls for a script with names of sections, and keeps blank commands", () => {
  const lines = ['pre_build_script = "a\\nb"', 'post_build_script = "c\\nd"'];
  const context = planContext({
    variables: [variable("FF_SCRIPT_SECTIONS", "true"), variable("GIT_STRATEGY", "fetch")],
    steps: [{ name: "Script", script: ["", "e\nf"] }, { name: "after_script", script: ["g\nh"] }],
    hooks: [{ name: "post_get_sources_script", script: ["i\nj"] }],
  }, [...lines, 'post_get_sources_script = "k"']);
  const plan = planJob(context);
  const names = (ops: readonly { kind: string }[]) =>
    JSON.stringify(ops).match(/section_[a-z]+_[a-z_]*\d/g) ?? [];
  const [step] = plan.steps;
  expect(step?.name).toBe("step_script");
  expect(names(step?.ops ?? [])).toEqual([
    "section_pre_build_script_0",
    "section_script_step_1",
    "section_post_build_script_0",
  ]);
  expect(step?.ops).toContainEqual({ kind: "print", style: "plain", text: "" });
  expect(names(plan.afterScript("success").ops)).toEqual(["section_after_script_step_0"]);
  expect(names(plan.getSources.ops)).toEqual(["section_post_clone_script_0"]);
  const hooks = text(plan.getSources.ops);
  expect(hooks.indexOf("i\nj")).toBeLessThan(hooks.indexOf("$ k"));
});

test('planJob() expands variables in the step that GitLab makes of "release"', () => {
  const context = planContext({
    variables: [variable("TAG", "v1")],
    steps: [{ name: "release", script: ["release-cli --tag '$TAG'"] }],
  });
  expect(planJob(context).steps[0]?.ops).toContainEqual({
    kind: "user-command",
    code: "release-cli --tag 'v1'",
    echo: { kind: "line", text: "$ release-cli --tag 'v1'" },
  });
});

test("planJob() runs no hooks around sources that are not fetched", () => {
  const hooks = [{ name: "pre_get_sources_script", script: ["echo hook"] }];
  for (const strategy of ["none", "empty"]) {
    const context = planContext({ variables: [variable("GIT_STRATEGY", strategy)], hooks });
    expect(text(planJob(context).getSources.ops)).not.toContain("echo hook");
  }
});

test("planJob() keeps submodules apart from GIT_CHECKOUT, and refuses a strategy it does not know", () => {
  const sources = (strategy: string) => {
    const variables = [
      variable("GIT_CHECKOUT", "false"),
      variable("GIT_SUBMODULE_STRATEGY", strategy),
    ];
    return text(planJob(planContext({ variables })).getSources.ops);
  };
  expect(sources("normal")).toContain("Updating/initializing submodules with git depth set to 20");
  expect(sources("none")).toContain("Skipping Git submodules setup");
  expect(() => sources("deep")).toThrow("unknown GIT_SUBMODULE_STRATEGY");
});

test("planJob() refuses to exclude submodules by a word that stands apart from their path", () => {
  const variables = [
    variable("GIT_SUBMODULE_STRATEGY", "normal"),
    variable("GIT_SUBMODULE_PATHS", ":(exclude) lib"),
  ];
  expect(() => planJob(planContext({ variables }))).toThrow(
    'GIT_SUBMODULE_PATHS: invalid submodule pathspec [":(exclude)" "lib"]',
  );
});

test("planJob() cleans submodules too with FF_ENABLE_JOB_CLEANUP, as GIT_CLEAN_FLAGS says", () => {
  const cleanup = (flags: string) =>
    text(
      planJob(planContext({
        variables: [
          variable("FF_ENABLE_JOB_CLEANUP", "true"),
          variable("GIT_SUBMODULE_STRATEGY", "recursive"),
          variable("GIT_CLEAN_FLAGS", flags),
        ],
      })).cleanup.ops,
    );
  expect(cleanup("-fd")).toMatch(/submodule foreach --recursive git clean -fd/);
  expect(cleanup("none")).not.toContain(" clean ");
  expect(cleanup("none")).toMatch(/submodule foreach --recursive git reset --hard/);
});

test("planJob() hashes cache keys with FF_HASH_CACHE_KEYS, and never leaves the cache directory", () => {
  const script = (key: string, flag: string) => {
    const context = planContext({
      variables: [variable("FF_HASH_CACHE_KEYS", flag)],
      cache: [{ key, paths: ["v"] }],
    });
    const plan = planJob(context);
    return text([...plan.restoreCache.ops, ...plan.archiveCache("success").ops]);
  };
  const hashOfK = "8254c329a92850f6d539dd376f4816ee2764517da5e0235514af433164480d7a";
  expect(script("k", "true")).toContain(`--file /cache/group/app/${hashOfK}/cache.zip`);
  expect(script("k", "true")).toContain("--alternate-file /cache/group/app/k/cache.zip");
  expect(script("k", "true")).toContain("Creating cache k...");
  expect(script("k", "false")).toContain(`--alternate-file /cache/group/app/${hashOfK}/cache.zip`);
  expect(script("../../etc", "true")).not.toMatch(/file \S*\.\./);
});

test("planJob() refuses a cache policy that is none, and tells of an empty key", () => {
  const cache = (entry: object) => planJob(planContext({ cache: [{ paths: ["v"], ...entry }] }));
  expect(() => cache({ key: "k", policy: "take" })).toThrow("unknown cache policy take for k");
  const empty = cache({ key: ".." });
  expect(text(empty.restoreCache.ops)).toContain(
    "Skipping cache extraction due to empty cache key",
  );
  expect(text(empty.archiveCache("success").ops)).toContain(
    "Skipping cache archiving due to empty cache key",
  );
  expect(planJob(planContext({ cache: [{ key: "k", paths: [] }] })).restoreCache.ops).toEqual([]);
});

test("planJob() removes what a failed extraction may have left, inside the checkout alone", () => {
  const context = planContext({
    variables: [variable("FF_CLEAN_UP_FAILED_CACHE_EXTRACT", "true")],
    cache: [{ key: "k", paths: ["vendor", "../../other", "/etc", "."] }],
  });
  const script = text(planJob(context).restoreCache.ops);
  expect(script).toContain("Removing vendor");
  expect(script.match(/Removing /g)).toHaveLength(1);
});

test("planJob() refuses a commit that git could take for an option", () => {
  const context = planContext({
    git_info: { repo_url: "https://h/a.git", sha: "--upload-pack=x" },
  });
  expect(() => planJob(context)).toThrow('Cannot check out "--upload-pack=x"');
  expect(() => planJob(planContext({ git_info: { repo_url: "https://h/a.git", sha: HEAD } }))).not
    .toThrow();
});

test("planJob() fetches from clone_url, below its root, and lets the token into all addresses", () => {
  const context = (lines: string[], projectPath: string) =>
    planContext({
      variables: [variable("CI_PROJECT_PATH", projectPath)],
      git_info: {
        repo_url: "https://gitlab-ci-token:t@gitlab.example.com/gitlab/group/app.git",
        sha: HEAD,
      },
    }, lines);
  const config = (lines: string[], projectPath = "group/app") =>
    text(planJob(context(lines, projectPath)).getSources.ops);
  const inside = config(['clone_url = "http://inside:8080/gitlab/"']);
  expect(inside).toContain('url = "http://inside:8080/gitlab/group/app.git"');
  for (const origin of ["http://inside:8080", "https://gitlab.example.com"]) {
    expect(inside).toContain(`[credential "${origin}"]`);
  }
  expect(config(['clone_url = "ssh://gitlab.inside:2222"'])).toContain(
    'url = "ssh://git@gitlab.inside:2222/group/app.git"',
  );
  expect(config(['clone_url = "http://inside"'], "")).toContain(
    'url = "http://inside/gitlab/group/app.git"',
  );
});

test("planJob() sends SSH addresses of submodules to the coordinator's address, root included", () => {
  const script = (lines: string[], port: string) =>
    text(
      planJob(planContext({
        variables: [
          variable("GIT_SUBMODULE_STRATEGY", "normal"),
          variable("GIT_SUBMODULE_FORCE_HTTPS", "true"),
          variable("CI_SERVER_SHELL_SSH_HOST", "ssh.example.com"),
          variable("CI_SERVER_SHELL_SSH_PORT", port),
        ],
      }, lines)).getSources.ops,
    );
  const plain = script([], "22");
  expect(plain).toContain("url.https://gitlab.example.com/.insteadOf=git@ssh.example.com:");
  expect(plain).toContain("url.https://gitlab.example.com/.insteadOf=ssh://git@ssh.example.com/");
  const rooted = script(['clone_url = "https://h/gitlab/"'], "2222");
  expect(rooted).toContain("url.https://h/gitlab/.insteadOf=ssh://git@ssh.example.com:2222/");
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
