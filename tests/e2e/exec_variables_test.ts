/** The predefined variables of jobs, compared with the list of GitLab's reference. */

import { expect, test } from "bun:test";
import { ExecLab, ofType, outputOf } from "./exec_lab.ts";

/**
 * Every name of GitLab 19.3's reference; beside it the value of a push to `topic`, in which words in
 * angle brackets stand for what git says or what differs from run to run, and `|` for a line break. `-`: not there, as on a
 * server that has none of what it tells of. `?`: not there, and no machine but a server knows it.
 */
const EXPECTED = String.raw`
CHAT_CHANNEL -
CHAT_INPUT -
CHAT_USER_ID -
CI true
CI_API_GRAPHQL_URL https://gitlab.example.org/api/graphql
CI_API_V4_URL https://gitlab.example.org/api/v4
CI_BUILDS_DIR <any>
CI_BUILD_NETWORK_NAME -
CI_COMMIT_AUTHOR Tester <tester@example.com>
CI_COMMIT_BEFORE_SHA 0000000000000000000000000000000000000000
CI_COMMIT_BRANCH topic
CI_COMMIT_DEFAULT_BRANCH_BASE_SHA <main>
CI_COMMIT_DESCRIPTION |Why it changes.
CI_COMMIT_MESSAGE Change it||Why it changes.|
CI_COMMIT_MESSAGE_IS_TRUNCATED false
CI_COMMIT_REF_NAME topic
CI_COMMIT_REF_PROTECTED false
CI_COMMIT_REF_SLUG topic
CI_COMMIT_SHA <head>
CI_COMMIT_SHORT_SHA <head8>
CI_COMMIT_TAG -
CI_COMMIT_TAG_MESSAGE -
CI_COMMIT_TIMESTAMP <date>
CI_COMMIT_TITLE Change it
CI_COMMIT_USER_LOGIN
CI_CONCURRENT_ID 0
CI_CONCURRENT_PROJECT_ID 0
CI_CONFIG_PATH .gitlab-ci.yml
CI_CONFIG_REF_URI gitlab.example.org/Group/sub/app//.gitlab-ci.yml@refs/heads/topic
CI_DEBUG_SERVICES -
CI_DEBUG_TRACE -
CI_DEFAULT_BRANCH main
CI_DEFAULT_BRANCH_SLUG main
CI_DEPENDENCY_PROXY_DIRECT_GROUP_IMAGE_PREFIX gitlab.example.org:443/group/sub/dependency_proxy/containers
CI_DEPENDENCY_PROXY_GROUP_IMAGE_PREFIX gitlab.example.org:443/group/dependency_proxy/containers
CI_DEPENDENCY_PROXY_PASSWORD [MASKED]
CI_DEPENDENCY_PROXY_SERVER gitlab.example.org:443
CI_DEPENDENCY_PROXY_USER gitlab-ci-token
CI_DEPLOY_FREEZE -
CI_DEPLOY_PASSWORD ?
CI_DEPLOY_USER ?
CI_DISPOSABLE_ENVIRONMENT -
CI_ENVIRONMENT_ACTION start
CI_ENVIRONMENT_ID 1
CI_ENVIRONMENT_NAME production
CI_ENVIRONMENT_SLUG production
CI_ENVIRONMENT_TIER production
CI_ENVIRONMENT_URL https://example.com
CI_GITLAB_FIPS_MODE -
CI_HAS_OPEN_REQUIREMENTS -
CI_JOB_GROUP_NAME show
CI_JOB_ID 1
CI_JOB_IMAGE -
CI_JOB_MANUAL -
CI_JOB_NAME show
CI_JOB_NAME_SLUG show
CI_JOB_STAGE test
CI_JOB_STARTED_AT <date>
CI_JOB_STARTED_AT_SLUG <slug>
CI_JOB_STATUS running
CI_JOB_TAGS ["one", "two"]
CI_JOB_TIMEOUT 3600
CI_JOB_TOKEN [MASKED]
CI_JOB_URL https://gitlab.example.org/Group/sub/app/-/jobs/1
CI_KUBERNETES_ACTIVE -
CI_NODE_INDEX -
CI_NODE_TOTAL 1
CI_OPEN_MERGE_REQUESTS -
CI_PAGES_DOMAIN example.com
CI_PAGES_HOSTNAME group.example.com
CI_PAGES_URL https://group.example.com/sub/app
CI_PIPELINE_CREATED_AT <date>
CI_PIPELINE_ID 1
CI_PIPELINE_IID 1
CI_PIPELINE_NAME
CI_PIPELINE_SCHEDULE_DESCRIPTION -
CI_PIPELINE_SOURCE push
CI_PIPELINE_TRIGGERED -
CI_PIPELINE_URL https://gitlab.example.org/Group/sub/app/-/pipelines/1
CI_PROJECT_CLASSIFICATION_LABEL
CI_PROJECT_DESCRIPTION
CI_PROJECT_DIR <any>
CI_PROJECT_ID 1
CI_PROJECT_NAME app
CI_PROJECT_NAMESPACE Group/sub
CI_PROJECT_NAMESPACE_ID 1
CI_PROJECT_NAMESPACE_SLUG group-sub
CI_PROJECT_PATH Group/sub/app
CI_PROJECT_PATH_SLUG group-sub-app
CI_PROJECT_REPOSITORY_LANGUAGES
CI_PROJECT_ROOT_NAMESPACE Group
CI_PROJECT_ROOT_NAMESPACE_SLUG group
CI_PROJECT_TITLE app
CI_PROJECT_TOPICS
CI_PROJECT_URL https://gitlab.example.org/Group/sub/app
CI_PROJECT_VISIBILITY private
CI_REGISTRY ?
CI_REGISTRY_IMAGE ?
CI_REGISTRY_PASSWORD [MASKED]
CI_REGISTRY_USER gitlab-ci-token
CI_RELEASE_DESCRIPTION -
CI_REPOSITORY_URL https://gitlab-ci-token:[MASKED]@gitlab.example.org/Group/sub/app.git
CI_RUNNER_DESCRIPTION local
CI_RUNNER_EXECUTABLE_ARCH <any>
CI_RUNNER_ID 1
CI_RUNNER_REVISION <any>
CI_RUNNER_SHORT_TOKEN <any>
CI_RUNNER_TAGS ["one", "two"]
CI_RUNNER_VERSION <any>
CI_SERVER yes
CI_SERVER_FQDN gitlab.example.org
CI_SERVER_HOST gitlab.example.org
CI_SERVER_NAME GitLab
CI_SERVER_PORT 443
CI_SERVER_PROTOCOL https
CI_SERVER_REVISION <any>
CI_SERVER_SHELL_SSH_HOST gitlab.example.org
CI_SERVER_SHELL_SSH_PORT 22
CI_SERVER_TLS_CA_FILE -
CI_SERVER_TLS_CERT_FILE -
CI_SERVER_TLS_KEY_FILE -
CI_SERVER_URL https://gitlab.example.org
CI_SERVER_VERSION <any>
CI_SERVER_VERSION_MAJOR <any>
CI_SERVER_VERSION_MINOR <any>
CI_SERVER_VERSION_PATCH <any>
CI_SHARED_ENVIRONMENT true
CI_TEMPLATE_REGISTRY_HOST registry.gitlab.com
CI_TRACEPARENT <trace>
CI_TRACESTATE gitlab=pipeline:1;job:1
CI_TRIGGER_SHORT_TOKEN -
CI_UPSTREAM_JOB_ID -
CI_UPSTREAM_PIPELINE_ID -
CI_UPSTREAM_PROJECT_ID -
GITLAB_CI true
GITLAB_FEATURES
GITLAB_USER_EMAIL tester@example.com
GITLAB_USER_ID 1
GITLAB_USER_LOGIN tester
GITLAB_USER_NAME Tester
KUBECONFIG -
TRIGGER_PAYLOAD -
`;

/** What `--mr` adds to them. */
const MERGE_REQUEST = String.raw`
CI_COMMIT_BRANCH -
CI_COMMIT_DEFAULT_BRANCH_BASE_SHA -
CI_MERGE_REQUEST_APPROVED -
CI_MERGE_REQUEST_ASSIGNEES -
CI_MERGE_REQUEST_DESCRIPTION
CI_MERGE_REQUEST_DESCRIPTION_IS_TRUNCATED false
CI_MERGE_REQUEST_DIFF_BASE_SHA <main>
CI_MERGE_REQUEST_DIFF_ID 1
CI_MERGE_REQUEST_DRAFT false
CI_MERGE_REQUEST_EVENT_TYPE detached
CI_MERGE_REQUEST_ID 1
CI_MERGE_REQUEST_IID 1
CI_MERGE_REQUEST_LABELS -
CI_MERGE_REQUEST_MILESTONE -
CI_MERGE_REQUEST_PROJECT_ID 1
CI_MERGE_REQUEST_PROJECT_PATH Group/sub/app
CI_MERGE_REQUEST_PROJECT_URL https://gitlab.example.org/Group/sub/app
CI_MERGE_REQUEST_REF_PATH refs/merge-requests/1/head
CI_MERGE_REQUEST_SOURCE_BRANCH_NAME topic
CI_MERGE_REQUEST_SOURCE_BRANCH_PROTECTED false
CI_MERGE_REQUEST_SOURCE_BRANCH_SHA
CI_MERGE_REQUEST_SOURCE_PROJECT_ID 1
CI_MERGE_REQUEST_SOURCE_PROJECT_PATH Group/sub/app
CI_MERGE_REQUEST_SOURCE_PROJECT_URL https://gitlab.example.org/Group/sub/app
CI_MERGE_REQUEST_SQUASH_ON_MERGE false
CI_MERGE_REQUEST_TARGET_BRANCH_NAME main
CI_MERGE_REQUEST_TARGET_BRANCH_PROTECTED true
CI_MERGE_REQUEST_TARGET_BRANCH_SHA
CI_MERGE_REQUEST_TITLE Change it
CI_OPEN_MERGE_REQUESTS Group/sub/app!1
CI_PIPELINE_SOURCE merge_request_event
`;

/** What `--tag` changes. */
const TAG = String.raw`
CI_COMMIT_BRANCH -
CI_COMMIT_DEFAULT_BRANCH_BASE_SHA -
CI_COMMIT_REF_NAME v1.0
CI_COMMIT_REF_SLUG v1-0
CI_COMMIT_TAG v1.0
CI_COMMIT_TAG_MESSAGE The first|
CI_CONFIG_REF_URI gitlab.example.org/Group/sub/app//.gitlab-ci.yml@refs/tags/v1.0
`;

const PATTERNS: Readonly<Record<string, RegExp>> = {
  "<any>": /./,
  "<date>": /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)$/,
  "<slug>": /^\d{4}-\d\d-\d\dt\d\d-\d\d-\d\dz$/,
  "<trace>": /^00-0{31}1-[0-9a-f]{16}-01$/,
};

function table(text: string): Map<string, string> {
  return new Map(
    text.trim().split("\n").map((line) => {
      const [, name = "", value = ""] = /^(\w+) ?(.*)$/.exec(line) ?? [];
      return [name, value];
    }),
  );
}

function labOnTopic(): ExecLab {
  const lab = new ExecLab({
    ".gitlab-ci.yml": `
show:
  tags: [one, two]
  rules: [{ when: always }]
  environment: { name: production, url: https://example.com }
  script: ["env -0 | tr '\\\\n\\\\0' '|\\\\n' | grep -E '^(CI|GITLAB|CHAT|TRIGGER|KUBE)'"]
`,
  });
  lab.git("config", "user.name", "Tester");
  lab.git("config", "user.email", "tester@example.com");
  lab.git("remote", "set-url", "origin", "git@gitlab.example.org:Group/sub/app.git");
  lab.git("checkout", "--quiet", "-b", "topic");
  lab.git("commit", "--quiet", "--allow-empty", "-m", "Change it", "-m", "Why it changes.");
  lab.git("tag", "--annotate", "v1.0", "--message", "The first");
  return lab;
}

/** The lines that differ from the table. */
async function differences(
  lab: ExecLab,
  args: readonly string[],
  expected: ReadonlyMap<string, string>,
): Promise<string[]> {
  const { events } = await lab.events(...args);
  const lines = outputOf(events, "show").filter((line) => /^\w+=/.test(line));
  const found = new Map(lines.map((line) => [line.slice(0, line.indexOf("=")), line]));
  const head = lab.git("rev-parse", "HEAD").trim();
  const known: Readonly<Record<string, string>> = {
    "<head>": head,
    "<head8>": head.slice(0, 8),
    "<main>": lab.git("rev-parse", "main").trim(),
  };
  const wrong = [...expected].flatMap(([name, value]) => {
    const line = found.get(name);
    if (value === "-" || value === "?") return line === undefined ? [] : [line];
    const actual = line?.slice(name.length + 1);
    const pattern = PATTERNS[value];
    const fits = pattern === undefined
      ? actual === (known[value] ?? value)
      : actual !== undefined && pattern.test(actual);
    return fits ? [] : [line ?? `${name} is missing`];
  });
  const unknown = [...found].filter(([name]) => !expected.has(name)).map(([, line]) => line);
  return [...wrong, ...unknown.filter((line) => !/^(?:FF_|GITLAB_ENV=)/.test(line))];
}

test.concurrent("exec gives a push the predefined variables of GitLab's reference, and no others", async () => {
  using lab = labOnTopic();
  expect(await differences(lab, [], table(EXPECTED))).toEqual([]);
});

test.concurrent("exec --mr gives the variables of merge requests", async () => {
  using lab = labOnTopic();
  const expected = new Map([...table(EXPECTED), ...table(MERGE_REQUEST)]);
  expect(await differences(lab, ["--mr"], expected)).toEqual([]);
});

test.concurrent("exec --tag gives the variables of tags", async () => {
  using lab = labOnTopic();
  const expected = new Map([...table(EXPECTED), ...table(TAG)]);
  expect(await differences(lab, ["--tag", "v1.0"], expected)).toEqual([]);
});

test.concurrent("exec tells a child pipeline which one has started it", async () => {
  using lab = new ExecLab({
    ".gitlab-ci.yml": "child: { trigger: { include: child.yml, strategy: depend } }\n",
    "child.yml":
      "workflow: { name: of $CI_COMMIT_BRANCH }\nshow: { script: ['echo $CI_UPSTREAM_PROJECT_ID " +
      "$CI_UPSTREAM_PIPELINE_ID $CI_UPSTREAM_JOB_ID $CI_PIPELINE_ID', 'echo $CI_PIPELINE_NAME', " +
      "'echo $CI_PIPELINE_URL'] }\n",
  });
  const { events } = await lab.events();
  expect(outputOf(events, "show")).toEqual([
    "1 1 1 2",
    "of main",
    "https://gitlab.example.org/group/app/-/pipelines/2",
  ]);
});

test.concurrent("exec tells the environment of a job with what its own report brings", async () => {
  using lab = new ExecLab({
    ".gitlab-ci.yml": "stages: [one, two]\n" +
      "make:\n  stage: one\n  environment: { name: review, url: 'https://$WHERE.$CI_PROJECT_NAME' }\n" +
      "  script: ['echo WHERE=here > w.env', 'echo $CI_ENVIRONMENT_ID']\n" +
      "  artifacts: { reports: { dotenv: w.env } }\n" +
      "other:\n  stage: two\n  environment: production\n  script: ['echo $CI_ENVIRONMENT_ID']\n" +
      "stop:\n  stage: two\n  environment: { name: review, action: stop }\n" +
      "  script: ['echo $CI_ENVIRONMENT_ID $CI_ENVIRONMENT_ACTION']\n",
  });
  const { events } = await lab.events();
  expect(ofType(events, "job.finished").find(({ job }) => job === "make")?.environment).toEqual({
    name: "review",
    url: "https://here.app",
  });
  expect(["make", "other", "stop"].map((job) => outputOf(events, job))).toEqual([
    ["1"],
    ["2"],
    ["1 stop"],
  ]);
});

test.concurrent("exec says which variables of images are set nowhere, before it runs anything", async () => {
  using lab = new ExecLab({
    ".gitlab-ci.yml": "a: {needs: [], image: $IMAGE, script: [x]}\n" +
      "b: {needs: [], image: 'x/$IMAGE:${TAG}', services: ['$CI_PROJECT_DIR/$$y'], script: [x]}\n" +
      "given: {stage: build, script: [x], artifacts: {reports: {dotenv: x.env}}}\n" +
      "c: {stage: test, needs: [given], image: $GIVEN, script: [x]}\n",
  });
  const warnings = async (...args: readonly string[]) =>
    (await lab.run("--dry-run", ...args)).stdout.split("\n").filter((line) =>
      /^warning: /.test(line)
    );
  expect(await warnings("--variable", "TAG=1")).toEqual([
    "warning: .gitlab-ci.yml:1:1: image: $IMAGE is not set here; on the server it is one of the " +
    "project's settings, or of the instance's: give it with --variable IMAGE=VALUE, or in " +
    ".runner-exec.toml (a and 1 more)",
  ]);
  expect(await warnings("--executor", "shell")).toEqual([]);
  lab.write({ ".gitlab-ci.yml": "d: {image: $CI_REGISTRY_IMAGE/d, script: [x]}\n" });
  expect(await warnings()).toEqual([expect.stringContaining("$CI_REGISTRY_IMAGE is not set")]);
  lab.git("remote", "set-url", "origin", "git@gitlab.com:group/app.git");
  expect(await warnings()).toEqual([]);
});
