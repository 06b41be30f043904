/** LFS files from a server that has them. */

import { afterAll, beforeAll, expect, test } from "bun:test";

import { expectSuccess, Lab } from "./lab.ts";

const CONTENT = "x".repeat(100_000);
const OID = new Bun.CryptoHasher("sha256").update(CONTENT).digest("hex");
const POINTER =
  `version https://git-lfs.github.com/spec/v1\noid sha256:${OID}\nsize ${CONTENT.length}\n`;

let lab: Lab;
/** Headers of the requests for objects, which go to another host than the coordinator. */
const asked: Headers[] = [];
const storage = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch(request) {
    asked.push(request.headers);
    return new Response(CONTENT);
  },
});
beforeAll(async () => {
  if (Bun.which("git-lfs") === null) throw new Error("git-lfs is not installed");
  lab = (await Lab.open({ coordinator: { recorder: { detail: "bodies" } } })).start();
});
afterAll(async () => {
  await lab[Symbol.asyncDispose]();
  await storage.stop(true);
});

test("LFS files come with the job's credentials, which their storage does not see", async () => {
  const { app } = lab.repositories;
  const sha = await lab.repositories.commit("refs/heads/lfs", {
    ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n",
    "big.bin": POINTER,
  });
  const href = `http://127.0.0.1:${storage.port}/objects/${OID}`;
  const match = { method: "POST", path: "\\.git/info/lfs/objects/batch" };
  lab.coordinator.inject({
    match,
    action: { kind: "answer", status: 401, headers: { "lfs-authenticate": "Basic" } },
  });
  const batch = lab.coordinator.inject({
    match,
    action: {
      kind: "answer",
      status: 200,
      body: {
        transfer: "basic",
        objects: [{ oid: OID, size: CONTENT.length, actions: { download: { href } } }],
      },
    },
    times: null,
  });
  const job = async (variables: Record<string, string>) =>
    await lab.run({
      repository: {
        ...app,
        sha,
        ref: "lfs",
        refspecs: ["+refs/heads/lfs:refs/remotes/origin/lfs"],
      },
      variables,
      script: ["wc -c < big.bin", "git status --porcelain --untracked-files=no"],
    });
  const first = await job({});
  expectSuccess(first);
  expect(first.lines).toContain(String(CONTENT.length));
  expect(first.plain).not.toContain("M big.bin");
  expect(batch.hits).toBe(1);
  const calls = lab.coordinator.requests(({ target }) => target.includes("/objects/batch"));
  const basic = Buffer.from(`gitlab-ci-token:${first.job.token}`).toString("base64");
  expect(calls.map(({ headers }) => headers?.["authorization"])).toEqual([
    undefined,
    `Basic ${basic}`,
  ]);
  expect(asked).toHaveLength(1);
  expect(JSON.stringify([...asked[0] ?? []])).not.toContain(first.job.token);

  const skipped = await job({ GIT_LFS_SKIP_SMUDGE: "1" });
  expectSuccess(skipped);

  const again = await job({ GIT_STRATEGY: "clone" });
  expectSuccess(again);
  expect(again.lines).toContain(String(CONTENT.length));
}, 30_000);
