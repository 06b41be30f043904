import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { EmbeddedCoordinator } from "../../../../core/embedded/coordinator.ts";
import { TestRunner } from "../client.ts";

let directory: string;
let root: string;
let first: string;
let second: string;
let coordinator: EmbeddedCoordinator;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "git-http-"));
  root = join(directory, "repos");
  mkdirSync(join(root, "group"), { recursive: true });
  const work = join(directory, "work");
  await git(directory, "init", "-q", "-b", "main", work);
  writeFileSync(join(work, "a.txt"), "one\n");
  first = await commit(work);
  writeFileSync(join(work, "a.txt"), "two\n");
  second = await commit(work);
  await git(directory, "clone", "-q", "--bare", work, join(root, "group/demo.git"));
  await git(directory, "clone", "-q", "--bare", work, join(directory, "outside.git"));
  symlinkSync(join(directory, "outside.git"), join(root, "group/link.git"));
});
afterAll(() => rmSync(directory, { recursive: true }));
afterEach(() => coordinator.stop());

test("git clones a served repository and fetches a commit that is no tip", async () => {
  coordinator = await EmbeddedCoordinator.start({ reposRoot: root });
  const clone = join(directory, "clone");
  await git(directory, "clone", "-q", `${coordinator.url}/group/demo.git`, clone);
  expect(await git(clone, "rev-parse", "HEAD")).toBe(second);
  const shallow = join(directory, "shallow");
  await git(directory, "init", "-q", shallow);
  await git(shallow, "fetch", "-q", "--depth", "1", `${coordinator.url}/group/demo.git`, first);
  expect(await git(shallow, "rev-parse", "FETCH_HEAD")).toBe(first);
});

test("git is served in its older protocol and with compressed requests", async () => {
  coordinator = await EmbeddedCoordinator.start({ reposRoot: root });
  const url = `${coordinator.url}/group/demo.git`;
  const old = ["-c", "protocol.version=0"];
  expect(await git(directory, ...old, "ls-remote", url, "main")).toStartWith(second);
  const clone = join(directory, "old");
  await git(directory, ...old, "clone", "-q", url, clone);
  expect(await git(clone, "rev-parse", "HEAD")).toBe(second);
  const answer = await fetch(`${url}/git-upload-pack`, {
    method: "POST",
    headers: { "Git-Protocol": "version=2", "Content-Encoding": "gzip" },
    body: Bun.gzipSync(Buffer.from("0014command=ls-refs\n00010000")),
  });
  expect(answer.headers.get("Content-Type")).toBe("application/x-git-upload-pack-result");
  expect(await answer.text()).toContain(`${second} refs/heads/main`);
});

test("git needs the token of a running job when told so", async () => {
  coordinator = await EmbeddedCoordinator.start({ reposRoot: root, gitNeedsToken: true });
  const runner = new TestRunner(coordinator);
  coordinator.enqueue({ script: "true", repository: { path: "group/demo" } });
  const handed = await runner.takeAndAccept();
  const url = handed.payload.git_info.repo_url;
  expect(await git(directory, "ls-remote", url, "main")).toStartWith(second);
  expect((await fetch(`${coordinator.url}/group/demo.git/info/refs`)).status).toBe(401);
  await runner.finish(handed, "");
  expect(await git(directory, "ls-remote", url).catch(String)).toContain("Authentication failed");
});

test("git can neither push nor leave the folder", async () => {
  coordinator = await EmbeddedCoordinator.start({ reposRoot: root });
  const status = async (path: string) => (await fetch(coordinator.url + path)).status;
  const refs = "/info/refs?service=git-upload-pack";
  expect(await status(`/group/demo.git${refs}`)).toBe(200);
  expect(await status("/group/demo.git/info/refs?service=git-receive-pack")).toBe(403);
  expect(await status(`/group/link.git${refs}`)).toBe(404);
  expect(await status(`/..%2foutside.git${refs}`)).toBe(404);
  expect(await status(`/group/none.git${refs}`)).toBe(404);
  expect(await status("/group/demo.git/config")).toBe(404);
});

test("JSON API resolves the branch of a job's repository", async () => {
  coordinator = await EmbeddedCoordinator.start({ reposRoot: root });
  const post = (repository: object) =>
    fetch(`${coordinator.url}/api/jobs`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ script: "true", repository }),
    });
  expect((await post({ path: "group/demo" })).status).toBe(201);
  const { payload } = await new TestRunner(coordinator).take();
  expect(payload.git_info.sha).toBe(second);
  const missing = await post({ path: "group/demo", ref: "none" });
  expect([missing.status, await missing.text()]).toEqual([400, expect.stringContaining("none")]);
  expect((await post({ path: "../outside" })).status).toBe(400);
});

async function commit(work: string): Promise<string> {
  await git(work, "add", "-A");
  const author = ["-c", "user.name=T", "-c", "user.email=t@example.com"];
  await git(work, ...author, "commit", "-q", "-m", "Change");
  return await git(work, "rev-parse", "HEAD");
}

async function git(cwd: string, ...args: string[]): Promise<string> {
  const child = Bun.spawn(["git", ...args], {
    cwd,
    env: { PATH: process.env["PATH"], HOME: directory, GIT_TERMINAL_PROMPT: "0" },
    stderr: "pipe",
  });
  const [out, problem] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  if (await child.exited !== 0) throw new Error(problem);
  return out.trim();
}
