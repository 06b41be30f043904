import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { helperCredentials } from "../../../../executors/docker/images/credential_helper.ts";
import { repositoryPrefix } from "../../../../executors/docker/images/docker_config.ts";
import { parseImageName } from "../../../../executors/docker/images/image_name.ts";
import {
  type CredentialSources,
  findRegistryAuth,
} from "../../../../executors/docker/images/registry_auth.ts";
import { LineLog, NEVER, NO_CREDENTIALS } from "./support.ts";
import { isAlive } from "../../../fixtures/processes.ts";

const parent = mkdtempSync(join(tmpdir(), "runner-registry-auth-"));
afterAll(() => rmSync(parent, { recursive: true, force: true }));

const PATH = "/usr/local/bin:/usr/bin:/bin";

function basic(user: string, password: string) {
  return { auth: Buffer.from(`${user}:${password}`).toString("base64") };
}

function config(auths: Record<string, unknown>, more: Record<string, unknown> = {}): string {
  return JSON.stringify({ auths, ...more });
}

async function find(
  image: string,
  sources: Partial<CredentialSources>,
  options: { path?: string; log?: LineLog; signal?: AbortSignal } = {},
) {
  const { path = PATH, log = new LineLog(), signal = NEVER } = options;
  const name = parseImageName(image)!;
  return await findRegistryAuth(name, { ...NO_CREDENTIALS, ...sources }, log, {
    env: { PATH: path },
    signal,
  });
}

/** A home with these files. */
function home(files: Record<string, string>): string {
  const dir = mkdtempSync(join(parent, "home-"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(dir, name, ".."), { recursive: true });
    writeFileSync(join(dir, name), text);
  }
  return dir;
}

/** A directory with a helper `docker-credential-<name>` of this shell code; `$in` is its input. */
function helper(name: string, code: string): { path: string; calls: () => string[] } {
  const dir = mkdtempSync(join(parent, "helper-"));
  const file = join(dir, `docker-credential-${name}`);
  const calls = join(dir, "calls");
  writeFileSync(file, `#!/bin/sh\nin=$(cat)\necho "$* $in" >> ${calls}\n${code}\n`);
  chmodSync(file, 0o755);
  return {
    path: `${dir}:${PATH}`,
    calls: () => readFileSync(calls, "utf8").trimEnd().split("\n"),
  };
}

const JOB = [
  { type: "cache", url: "r.example.com", username: "wrong", password: "wrong" },
  { type: "registry", url: "r.example.com", username: "gitlab-ci-token", password: "job" },
  { type: "registry", url: "gitlab.example.com:443", username: "proxy", password: "p" },
];

describe("findRegistryAuth", () => {
  test("finds nothing where nothing matches", async () => {
    const authConfig = config({ "other.example.com": basic("a", "b") });
    expect(await find("r.example.org/a", { authConfig, job: JOB, home: home({}) })).toBeUndefined();
  });

  test("asks the variable, then one of the user's files, then the job's payload", async () => {
    const auths = (user: string) => config({ "r.example.com": basic(user, "p:w") });
    const old = JSON.stringify({ "r.example.com": basic("old", "p") });
    const both = home({ ".docker/config.json": auths("file"), ".dockercfg": old });
    const found = async (sources: Partial<CredentialSources>) => {
      const { auth, source } = (await find("r.example.com/a", { job: JOB, ...sources }))!;
      return [auth.username, auth.password, source];
    };
    expect(await found({ authConfig: auths("job"), home: both }))
      .toEqual(["job", "p:w", "$DOCKER_AUTH_CONFIG"]);
    expect(await found({ home: both })).toEqual(["file", "p:w", `${both}/.docker/config.json`]);
    for (const [text, user, password] of [[old, "old", "p"], [auths("new"), "new", "p:w"]]) {
      const dir = home({ ".dockercfg": text! });
      expect(await found({ home: dir })).toEqual([user, password, `${dir}/.dockercfg`]);
    }
    const job = ["gitlab-ci-token", "job", "job payload (GitLab Registry)"];
    expect(await found({ home: home({}) })).toEqual(job);
    // Where there is a config.json, nobody looks at the older file.
    expect(await found({ home: home({ ".docker/config.json": "{}", ".dockercfg": old }) }))
      .toEqual(job);
  });

  test("takes the longest prefix of all sources, and the first of equally long ones", async () => {
    const sources = {
      authConfig: config({ "r.example.com": basic("variable", "1") }),
      home: home({
        ".docker/config.json": config({
          "r.example.com": basic("file", "2"),
          "r.example.com/group": basic("file-group", "3"),
        }),
      }),
      job: [{ type: "registry", url: "r.example.com/group/x", username: "job", password: "4" }],
    };
    const user = async (image: string) => (await find(image, sources))?.auth.username;
    expect(await user("r.example.com/other/x:1")).toBe("variable");
    expect(await user("r.example.com/group/y:1")).toBe("file-group");
    expect(await user("r.example.com/group/x:1")).toBe("job");
  });

  test("goes on to the next source when the first knows another registry", async () => {
    const authConfig = config({ "other.example.com": basic("a", "b") });
    const found = await find("gitlab.example.com:443/group/dependency_proxy/containers/debian", {
      authConfig,
      job: JOB,
    });
    expect(found?.auth.username).toBe("proxy");
  });

  test("takes the longest prefix that ends at a slash", async () => {
    const authConfig = config({
      "r.example.com": basic("host", "1"),
      "r.example.com/group": basic("group", "2"),
      "r.example.com/group/project:tag": basic("project", "3"),
    });
    const user = async (image: string) => (await find(image, { authConfig }))?.auth.username;
    expect(await user("r.example.com/group/project:1")).toBe("project");
    expect(await user("r.example.com/group/project/image:1")).toBe("project");
    expect(await user("r.example.com/group/project2")).toBe("group");
    expect(await user("r.example.com/groupie/x")).toBe("host");
    expect(await user("r.example.com:5000/group/x")).toBeUndefined();
    expect(await user("r.example.community/group")).toBeUndefined();
  });

  test("takes a key with a scheme for its whole host", async () => {
    const authConfig = config({ "https://R.example.com/v2/some/path": basic("host", "1") });
    expect((await find("r.example.com/other:1", { authConfig }))?.auth.username).toBe("host");
  });

  test("knows Docker Hub by all its names", async () => {
    for (const key of ["https://index.docker.io/v1/", "docker.io", "index.docker.io"]) {
      const authConfig = config({ [key]: basic("hub", "p") });
      for (const image of ["debian", "docker.io/group/x:1", "index.docker.io/library/debian"]) {
        expect((await find(image, { authConfig }))?.auth.username).toBe("hub");
      }
    }
    for (const key of ["docker.io/debian", "docker.io/library/debian", "docker.io/library"]) {
      const authConfig = config({ [key]: basic("debian", "p") });
      expect((await find("debian:12", { authConfig }))?.auth.username).toBe("debian");
      expect(await find("debian-x", { authConfig: config({ "docker.io/debian": {} }) }))
        .toBeUndefined();
    }
  });

  test("passes tokens on, and leaves empty entries to others", async () => {
    const authConfig = config({
      "a.example.com": { identitytoken: "id" },
      "b.example.com": { username: "u", password: "" },
      "c.example.com": {},
    });
    expect((await find("a.example.com/x", { authConfig }))?.auth)
      .toEqual({ identitytoken: "id", serveraddress: "a.example.com" });
    expect((await find("b.example.com/x", { authConfig }))?.auth)
      .toEqual({ username: "u", password: "", serveraddress: "b.example.com" });
    expect(await find("c.example.com/x", { authConfig })).toBeUndefined();
  });

  test("warns of a source that is broken, never with its content, and goes on", async () => {
    const secret = "hunter2-secret";
    const log = new LineLog();
    const dir = home({ ".docker/config.json": `{"auths": "${secret}"}` });
    const authConfig = `{"auths": {"r.example.com": {"auth": "${secret}"`;
    const found = await find("r.example.com/a", { authConfig, home: dir, job: JOB }, { log });
    expect(found?.source).toBe("job payload (GitLab Registry)");
    const warning = (source: string) =>
      `warning Failed to resolve credentials from ${source}: it is not JSON in the form of ` +
      "Docker's config.json. Credentials from this source will not be used.";
    expect(log.lines).toEqual([
      warning("$DOCKER_AUTH_CONFIG"),
      warning(`${dir}/.docker/config.json`),
    ]);
  });

  test("warns of an entry that cannot be decoded, and uses the others", async () => {
    const log = new LineLog();
    const plain = "me:hunter2-secret";
    const authConfig = config({
      "r.example.com": { auth: plain },
      "r.example.com/group": { auth: Buffer.from("nocolon").toString("base64") },
      "other.example.com": { auth: `${Buffer.from("a:b").toString("base64")}\n` },
    });
    expect(await find("r.example.com/group/x", { authConfig }, { log })).toBeUndefined();
    const why = 'in $DOCKER_AUTH_CONFIG: "auth" is not the base64 form of "user:password". ' +
      "They will not be used.";
    expect(log.lines).toEqual([
      `warning Failed to resolve credentials from "r.example.com" ${why}`,
      `warning Failed to resolve credentials from "r.example.com/group" ${why}`,
    ]);
    expect((await find("other.example.com/x", { authConfig }))?.auth.username).toBe("a");
  });

  test("does not open what is no regular file", async () => {
    const dir = home({ ".docker/x": "" });
    const fifo = Bun.spawnSync(["mkfifo", join(dir, ".docker/config.json")]);
    expect(fifo.exitCode).toBe(0);
    const log = new LineLog();
    expect(await find("r.example.com/a", { home: dir }, { log })).toBeUndefined();
    expect(log.lines).toHaveLength(1);
  });
});

describe("findRegistryAuth with helpers", () => {
  const KNOWN = `printf '{"ServerURL":"%s","Username":"u-%s","Secret":"s3cret"}' "$in" "$in"`;
  const NOT_FOUND = "echo 'credentials not found in native keychain'; exit 1";

  test("asks the helper of a registry by its input, and for this registry only", async () => {
    const { path, calls } = helper("ecr", `echo 'update available' >&2; ${KNOWN}`);
    const credHelpers = { "r.example.com": "ecr", "other.example.com": "missing" };
    const authConfig = config({ "r.example.com": basic("file", "p") }, { credHelpers });
    const found = await find("r.example.com/a", { authConfig }, { path });
    expect(found?.auth).toEqual({
      username: "u-r.example.com",
      password: "s3cret",
      serveraddress: "r.example.com",
    });
    expect(calls()).toEqual(["get r.example.com"]);
  });

  test("asks a store for the longest of the servers that it lists", async () => {
    const list = `'{"https://index.docker.io/v1/":"a","r.example.com":"b","r.example.com/g":"c"}'`;
    const { path, calls } = helper("pass", `[ $1 = list ] && echo ${list} && exit; ${KNOWN}`);
    const authConfig = config({ "r.example.com": {} }, { credsStore: "pass" });
    const user = async (image: string) =>
      (await find(image, { authConfig }, { path }))?.auth.username;
    expect(await user("r.example.com/g/x")).toBe("u-r.example.com/g");
    expect(await user("r.example.com/h/x")).toBe("u-r.example.com");
    expect(await user("debian")).toBe("u-https://index.docker.io/v1/");
    expect(calls()).toEqual([
      "list ",
      "get r.example.com/g",
      "list ",
      "get r.example.com",
      "list ",
      "get https://index.docker.io/v1/",
    ]);
  });

  test("asks a store that cannot list for the registry itself", async () => {
    const { path } = helper("cloud", `[ $1 = list ] && echo unsupported && exit 1; ${KNOWN}`);
    const authConfig = config({}, { credsStore: "cloud" });
    expect((await find("debian", { authConfig }, { path }))?.auth.username)
      .toBe("u-https://index.docker.io/v1/");
  });

  test("does not ask a store a second time that does not answer", async () => {
    const { path, calls } = helper("wordy", `[ $1 = list ] && head -c 2000000 /dev/zero; ${KNOWN}`);
    const log = new LineLog();
    const authConfig = config({}, { credsStore: "wordy" });
    expect(await find("r.example.com/a", { authConfig }, { path, log })).toBeUndefined();
    expect(calls()).toEqual(["list"]);
    expect(log.lines).toEqual([
      "warning Failed to resolve credentials from $DOCKER_AUTH_CONFIG: " +
      '"docker-credential-wordy list" answered with more than 1 MiB. They will not be used.',
    ]);
  });

  test("takes an identity token from a helper", async () => {
    const { path } = helper("id", `echo '{"Username":"<token>","Secret":"tok"}'`);
    const authConfig = config({}, { credHelpers: { "r.example.com": "id" } });
    expect((await find("r.example.com/a", { authConfig }, { path }))?.auth)
      .toEqual({ identitytoken: "tok", serveraddress: "r.example.com" });
  });

  test("goes on without a word when a helper has no credentials", async () => {
    const { path } = helper("empty", NOT_FOUND);
    const log = new LineLog();
    const authConfig = config({}, { credHelpers: { "r.example.com": "empty" } });
    const found = await find("r.example.com/a", { authConfig, job: JOB }, { path, log });
    expect(found?.source).toBe("job payload (GitLab Registry)");
    expect(log.lines).toEqual([]);
  });

  test("warns in a failing helper's words, but never shows what a succeeding one said", async () => {
    const log = new LineLog();
    const failing = helper("bad", "echo 'vault is sealed'; exit 3");
    const strange = helper("odd", "echo 's3cret without braces'");
    const credHelpers = { "r.example.com": "bad", "r.example.com/a": "odd" };
    const authConfig = config({}, { credHelpers });
    const path = `${failing.path}:${strange.path}`;
    expect(await find("r.example.com/a", { authConfig }, { path, log })).toBeUndefined();
    expect(log.lines.join("\n")).toContain(
      '"docker-credential-bad get" ended with exit code 3: vault is sealed',
    );
    expect(log.lines).toHaveLength(2);
    expect(log.lines.join("\n")).not.toContain("s3cret");
  });

  test("starts no program outside of PATH", async () => {
    const dir = mkdtempSync(join(parent, "evil-"));
    const proof = join(dir, "proof");
    const evil = join(dir, "docker-credential-x");
    writeFileSync(evil, `#!/bin/sh\ntouch ${proof}\n`);
    chmodSync(evil, 0o755);
    for (const name of [`../../..${dir}/docker-credential-x`, `x/../../../..${evil}`, "", "a b"]) {
      const log = new LineLog();
      const authConfig = config({}, { credHelpers: { "r.example.com": name } });
      expect(await find("r.example.com/a", { authConfig }, { log })).toBeUndefined();
      expect(log.lines[0]).toContain(
        `Cannot use credential helper "${name}": it is not a plain name`,
      );
    }
    expect(await Bun.file(proof).exists()).toBe(false);
  });

  test("ends a helper that asks its user, with its children, when the job is aborted", async () => {
    const { path } = helper("slow", `sleep 300 & echo $! > "$0.pid"; wait`);
    const pidFile = `${path.split(":")[0]}/docker-credential-slow.pid`;
    const controller = new AbortController();
    const authConfig = config({}, { credHelpers: { "r.example.com": "slow" } });
    const search = find("r.example.com/a", { authConfig }, { path, signal: controller.signal });
    while (!await Bun.file(pidFile).exists() || await Bun.file(pidFile).text() === "") {
      await Bun.sleep(5);
    }
    const child = Number(await Bun.file(pidFile).text());
    controller.abort(new Error("canceled"));
    await expect(search).rejects.toThrow("canceled");
    await Bun.sleep(20);
    expect(isAlive(child)).toBe(false);
  });

  test("helperCredentials gives a helper its environment and nothing else", async () => {
    const { path } = helper(
      "env",
      `echo "{\\"Username\\":\\"$HOME|$LEAK\\",\\"Secret\\":\\"x\\"}"`,
    );
    process.env.LEAK = "leaked";
    const env = { PATH: path, HOME: "/some/home" };
    const auth = await helperCredentials("env", "r.example.com", { env, signal: NEVER });
    delete process.env.LEAK;
    expect(auth?.username).toBe("/some/home|");
  });
});

test("repositoryPrefix reads keys as registry and path", () => {
  const cases: Record<string, string> = {
    "https://index.docker.io/v1/": "docker.io",
    "https://r.example.com/artifactory/docker": "r.example.com",
    "https://r.example.com/v2": "r.example.com",
    "http://R.example.com:5000/": "r.example.com:5000",
    "r.example.com/group/v1": "r.example.com/group/v1",
    "r.example.com/group/": "r.example.com/group",
    "r.example.com/group/image:1": "r.example.com/group/image",
    "r.example.com:5000/v2/": "r.example.com:5000",
  };
  for (const [key, prefix] of Object.entries(cases)) expect(repositoryPrefix(key)).toBe(prefix);
});
