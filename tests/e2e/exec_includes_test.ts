/** `exec` with files from elsewhere: the compiled executable, a GitLab and another host. */

import { expect, test } from "bun:test";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type FakeProjects, serveProjects } from "../fakes/fake_projects.ts";
import { makeCertificate } from "./certificates.ts";
import { ExecLab, ofType, outputOf } from "./exec_lab.ts";
import { temporaryDirectory } from "../fixtures/temporary_directory.ts";

const LIBRARY = {
  "group/lib": {
    token: "glpat-secret",
    refs: { HEAD: "c1", "1.0.0": "c1" },
    files: {
      c1: {
        "ci/lib.yml": "include: ci/more.yml\n.lib: { script: echo from the project }\n",
        "ci/more.yml": "more: { script: echo beside it }\n",
        "templates/build.yml": "spec: { inputs: { text: }, component: [version] }\n---\n" +
          "built: { script: 'echo $[[ inputs.text ]] $[[ component.version ]]' }\n",
      },
    },
  },
};

function pipeline(server: FakeProjects, other: FakeProjects): string {
  return `
include:
  - project: group/lib
    file: /ci/lib.yml
  - component: ${new URL(server.url).host}/group/lib/build@1
    inputs: { text: component }
  - component: $CI_SERVER_FQDN/$CI_PROJECT_PATH/own@$CI_COMMIT_SHA
  - remote: ${other.url}/remote.yml
test: { extends: .lib }
`;
}

function labAt(server: FakeProjects, other: FakeProjects): ExecLab {
  const lab = new ExecLab({
    ".gitlab-ci.yml": pipeline(server, other),
    "templates/own.yml": "own: { script: echo own component }\n",
  });
  lab.git("remote", "set-url", "origin", `${server.url}/group/app.git`);
  writeSecrets(lab, 'gitlab_token = "glpat-secret"\n');
  return lab;
}

function writeSecrets(lab: ExecLab, text: string): void {
  const config = join(lab.dir, "home/.config/gitlab-runner");
  mkdirSync(config, { recursive: true });
  const secrets = join(config, "exec-secrets.toml");
  writeFileSync(secrets, text);
  chmodSync(secrets, 0o600);
}

test.concurrent("exec includes files of projects, components and other hosts, offline the next time", async () => {
  using server = serveProjects(LIBRARY);
  using other = serveProjects({});
  other.pages.set("/remote.yml", () => new Response("remote: { script: echo from a host }\n"));
  using lab = labAt(server, other);
  const expected = {
    test: ["from the project"],
    more: ["beside it"],
    built: ["component 1.0.0"],
    own: ["own component"],
    remote: ["from a host"],
  };
  const first = await lab.events();
  expect(first.code).toBe(0);
  for (const [job, lines] of Object.entries(expected)) {
    expect([job, outputOf(first.events, job)]).toEqual([job, lines]);
  }
  expect(other.requests).toEqual([{ path: "/remote.yml", token: null }]);
  const asked = server.requests.length;
  const again = await lab.events();
  expect(again.code).toBe(0);
  expect(outputOf(again.events, "built")).toEqual(expected.built);
  expect([server.requests.length, other.requests.length]).toEqual([asked, 1]);
  expect((await lab.events("--fetch-includes")).code).toBe(0);
  expect(other.requests).toHaveLength(2);
});

test.concurrent("exec refuses what cannot be included with its place", async () => {
  using server = serveProjects({});
  using lab = labAt(server, server);
  const { code, stderr } = await lab.run();
  expect(code).toBe(2);
  expect(stderr).toContain(
    ".gitlab-ci.yml:3:14: Project `group/lib` not found or access denied!",
  );
  expect(stderr).toContain(
    `Remote file \`${server.url}/remote.yml\` could not be fetched because of HTTP code \`404\` error!`,
  );
});

test.concurrent("exec says which file it cannot fetch, and where it has looked for it", async () => {
  using lab = new ExecLab({
    ".gitlab-ci.yml": "include:\n  - project: group/lib\n    file: lib.yml\n" +
      "  - component: $CI_SERVER_FQDN/group/lib/build@1.0.0\ntest: { script: echo }\n",
  });
  // Nobody listens there.
  lab.git("remote", "set-url", "origin", "http://127.0.0.1:9/group/app.git");
  const { code, stderr } = await lab.run("--list");
  expect(code).toBe(2);
  expect(stderr).toMatch(
    /^runner: \.gitlab-ci\.yml:2:14: `group\/lib:lib\.yml` could not be fetched from http:\/\/127\.0\.0\.1:9: .+\nrunner: \.gitlab-ci\.yml:4:16: `127\.0\.0\.1:9\/group\/lib\/build@1\.0\.0` could not be fetched from .+\n$/,
  );
  lab.git("remote", "remove", "origin");
  expect((await lab.run("--list")).stderr).toContain(
    "no remote says which GitLab this repository is of: git remote add origin ADDRESS does",
  );
});

/** A pipeline that includes a file of a project which only the token opens. */
function privateLab(server: FakeProjects): ExecLab {
  const lab = new ExecLab({
    ".gitlab-ci.yml": "include: { project: group/lib, file: /ci/lib.yml }\n" +
      "test: { script: 'echo token [$EXEC_GITLAB_TOKEN]' }\n",
  });
  lab.git("remote", "set-url", "origin", `${server.url}/group/app.git`);
  return lab;
}

test.concurrent("exec takes GitLab's token from the environment, and no job sees it", async () => {
  using server = serveProjects(LIBRARY);
  using lab = privateLab(server);
  expect((await lab.run()).stderr).toContain("not found or access denied");
  lab.env["EXEC_GITLAB_TOKEN"] = "glpat-secret";
  const { code, events } = await lab.events();
  expect([code, outputOf(events, "test")]).toEqual([0, ["token []"]]);
});

test.concurrent("exec takes the token of a host from the secrets file", async () => {
  using server = serveProjects(LIBRARY);
  using lab = privateLab(server);
  const host = new URL(server.url).host;
  writeSecrets(
    lab,
    `[gitlab_tokens]\n"gitlab.example.org" = "other"\n"${host}" = "glpat-secret"\n`,
  );
  expect((await lab.run()).code).toBe(0);
  expect(server.requests.map(({ token }) => token)).toEqual(
    server.requests.map(() => "glpat-secret"),
  );
});

test.concurrent("exec includes files of a GitLab that only --tls-ca-file vouches for", async () => {
  using directory = temporaryDirectory();
  const tls = await makeCertificate(directory.path);
  using server = serveProjects(LIBRARY, tls);
  using lab = privateLab(server);
  lab.env["EXEC_GITLAB_TOKEN"] = "glpat-secret";
  const refused = await lab.run();
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining("certificate")]);
  expect((await lab.run("--tls-ca-file", tls.certPath)).code).toBe(0);
  lab.write({ ".runner-exec.toml": `[runner]\ntls-ca-file = "${tls.certPath}"\n` });
  expect((await lab.run("--fetch-includes")).code).toBe(0);
});

test.concurrent("exec looks at the files of other projects for rules", async () => {
  using server = serveProjects(LIBRARY);
  using lab = privateLab(server);
  const rule = (more: string) => `[{ exists: { project: group/lib, ${more} } }]`;
  lab.write({
    ".gitlab-ci.yml": `
there: { script: 'true', rules: ${rule('paths: ["ci/*.yml"], ref: 1.0.0')} }
missing: { script: 'true', rules: ${rule("paths: [nowhere]")} }
after: { script: 'true', needs: [there] }
`,
  });
  const refused = await lab.run();
  expect([refused.code, refused.stderr]).toEqual([
    2,
    expect.stringContaining("rules:exists:project `group/lib` not found or access denied"),
  ]);
  lab.env["EXEC_GITLAB_TOKEN"] = "glpat-secret";
  const { code, events } = await lab.events();
  expect([code, ofType(events, "job.finished").map(({ job }) => job)]).toEqual([
    0,
    ["there", "after"],
  ]);
});
