import { expect, test } from "bun:test";
import { z } from "zod";
import { useOf } from "../../../../core/local/gitlab/access_token.ts";
import { GitlabApi } from "../../../../core/local/gitlab/gitlab_api.ts";
import { Secret } from "../../../../core/util/secret.ts";
import { collectingLogger } from "../../coordinator/support.ts";

const PERSONAL = "glpat-aaaaaaaaaaaaaaaaaaaa";
const OLD_PERSONAL = "abcdefghij0123456789";
const OAUTH = "0f".repeat(32);
const JOB = "glcbt-64_aaaaaaaaaaaaaaaaaaaa";

test("each kind of token goes to GitLab in the header that takes it", async () => {
  const seen: (readonly (string | null)[])[] = [];
  using server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch({ headers }) {
      seen.push(["PRIVATE-TOKEN", "JOB-TOKEN", "Authorization"].map((name) => headers.get(name)));
      return Response.json({});
    },
  });
  for (const token of [PERSONAL, OLD_PERSONAL, OAUTH, JOB]) {
    using api = new GitlabApi({
      server: `http://127.0.0.1:${server.port}`,
      token: new Secret(token),
      caFile: undefined,
      env: {},
      logger: collectingLogger().logger,
    });
    const request = { path: "version", route: "version" };
    await api.get(request, z.object({}), AbortSignal.timeout(10_000));
  }
  expect(seen).toEqual([
    [PERSONAL, null, null],
    [OLD_PERSONAL, null, null],
    [null, null, `Bearer ${OAUTH}`],
    [null, JOB, null],
  ]);
});

test("git shows a job's token as the user that GitLab takes it from", () => {
  const users = [PERSONAL, OAUTH, JOB].map((token) => useOf(new Secret(token)).gitUser);
  expect(users).toEqual(["oauth2", "oauth2", "gitlab-ci-token"]);
});
