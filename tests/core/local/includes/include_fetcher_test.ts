import { expect, test } from "bun:test";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { IncludeFetcher } from "../../../../core/local/includes/include_fetcher.ts";
import type { FetchedFile, FileElsewhere } from "../../../../core/pipeline/ci_source.ts";
import { Secret } from "../../../../core/util/secret.ts";
import { quietLogger } from "../../../fakes/quiet_logger.ts";
import { type FakeProjects, serveProjects } from "../../../fakes/fake_projects.ts";
import { temporaryDirectory } from "../../../fixtures/temporary_directory.ts";

const OWN: ReadonlyMap<string, string> = new Map([
  ["a.yml", "own file"],
  ["templates/own.yml", "own component"],
]);
const SIGNAL = new AbortController().signal;

function fetcher(
  server: { readonly url: string },
  cacheDirectory: string,
  options: { readonly token?: string; readonly refresh?: boolean } = {},
): IncludeFetcher {
  return new IncludeFetcher({
    server: server.url,
    token: options.token === undefined ? undefined : new Secret(options.token),
    cacheDirectory,
    refresh: options.refresh ?? false,
    caFile: undefined,
    own: {
      path: "group/app",
      commit: "c0ffee",
      read: (path) => Promise.resolve(OWN.get(path)),
      files: () => [...OWN.keys()],
    },
    env: {},
    logger: quietLogger,
  });
}

async function fetchOnce(
  server: FakeProjects,
  file: FileElsewhere,
  options: { readonly token?: string } = {},
): Promise<FetchedFile> {
  using directory = temporaryDirectory();
  using includes = fetcher(server, directory.path, options);
  return await includes.fetch(file, { signal: SIGNAL });
}

const LIBRARY = {
  "group/lib": {
    refs: {
      HEAD: "c2",
      main: "c2",
      "1.0.0": "c1",
      "1.2.0": "c2",
      "1.10.0": "c3",
      "2.0.0-rc": "c4",
    },
    files: {
      c1: { "ci/a.yml": "one" },
      c2: { "ci/a.yml": "two", "templates/build.yml": "build" },
      c3: { "templates/test/template.yml": "test" },
    },
  },
};

test("IncludeFetcher reads a project's file at the commit of its ref", async () => {
  using server = serveProjects(LIBRARY);
  const file = { kind: "project", project: "group/lib", path: "ci/a.yml" } as const;
  expect(await fetchOnce(server, { ...file, ref: undefined })).toEqual({
    kind: "found",
    text: "two",
    project: { project: "group/lib", ref: undefined },
  });
  expect(await fetchOnce(server, { ...file, ref: "1.0.0" })).toMatchObject({ text: "one" });
});

test("IncludeFetcher says in GitLab's words what a project does not have", async () => {
  using server = serveProjects({
    ...LIBRARY,
    "group/private": { ...LIBRARY["group/lib"], token: "t" },
  });
  const words = async (file: Omit<FileElsewhere & { kind: "project" }, "kind">) => {
    const found = await fetchOnce(server, { kind: "project", ...file });
    return found.kind === "missing" ? found.message : found.text;
  };
  expect(await words({ project: "group/lib", ref: undefined, path: "b.yml" })).toBe(
    "Project `group/lib` file `b.yml` does not exist!",
  );
  expect(await words({ project: "group/lib", ref: "gone", path: "b.yml" })).toBe(
    "Project `group/lib` reference `gone` does not exist!",
  );
  expect(await words({ project: "group/gone", ref: undefined, path: "b.yml" })).toBe(
    "Project `group/gone` not found or access denied!",
  );
  expect(await words({ project: "group/private", ref: undefined, path: "ci/a.yml" })).toBe(
    "Project `group/private` not found or access denied!",
  );
});

test("IncludeFetcher shows the token to the project's own GitLab", async () => {
  using server = serveProjects({ "group/lib": { ...LIBRARY["group/lib"], token: "t" } });
  const file = { kind: "project", project: "group/lib", ref: undefined, path: "ci/a.yml" } as const;
  expect(await fetchOnce(server, file, { token: "t" })).toMatchObject({ text: "two" });
});

test("IncludeFetcher shows the token to no other host", async () => {
  using server = serveProjects(LIBRARY);
  using other = serveProjects({});
  const elsewhere = other.url.replace("127.0.0.1", "localhost");
  other.pages.set("/a.yml", () => new Response("remote"));
  other.pages.set("/b.yml", () => new Response("moved"));
  server.pages.set("/here.yml", () => Response.redirect(`${elsewhere}/b.yml`));
  server.pages.set(
    "/api/v4/projects/group%2Flib/repository/commits/HEAD",
    () => Response.redirect(`${elsewhere}/commit`),
  );
  other.pages.set("/commit", () => Response.json({ id: "c2" }));
  const options = { token: "secret" };
  expect(await fetchOnce(server, { kind: "remote", url: `${elsewhere}/a.yml` }, options))
    .toMatchObject({ text: "remote" });
  expect(await fetchOnce(server, { kind: "remote", url: `${server.url}/here.yml` }, options))
    .toMatchObject({ text: "moved" });
  await fetchOnce(
    server,
    { kind: "project", project: "group/lib", ref: undefined, path: "ci/a.yml" },
    options,
  );
  expect(other.requests.map(({ path, token }) => [path, token])).toEqual([
    ["/a.yml", null],
    ["/b.yml", null],
    ["/commit", null],
  ]);
});

test("IncludeFetcher names why a remote file could not be fetched", async () => {
  using server = serveProjects({});
  expect(await fetchOnce(server, { kind: "remote", url: `${server.url}/gone.yml` })).toEqual({
    kind: "missing",
    message: `Remote file \`${server.url}/gone.yml\` could not be fetched because of ` +
      "HTTP code `404` error!",
  });
  const nobody = await fetchOnce(server, { kind: "remote", url: "http://127.0.0.1:1/a.yml" });
  expect(nobody).toMatchObject({ kind: "missing" });
  expect(nobody.kind === "missing" ? nobody.message : "").toStartWith(
    "Remote file `http://127.0.0.1:1/a.yml` could not be fetched: ",
  );
});

test("IncludeFetcher finds the version of a component", async () => {
  using server = serveProjects(LIBRARY);
  const host = new URL(server.url).host;
  const component = (name: string, reference: string) =>
    fetchOnce(server, { kind: "component", address: `${host}/group/lib/${name}@${reference}` });
  expect(await component("build", "main")).toEqual({
    kind: "found",
    text: "build",
    project: { project: "group/lib", ref: "main" },
    component: { name: "build", sha: "c2", version: undefined, reference: "main" },
  });
  expect(await component("test", "1")).toMatchObject({
    text: "test",
    component: { version: "1.10.0", reference: "1", sha: "c3" },
  });
  expect(await component("build", "1.2")).toMatchObject({ component: { version: "1.2.0" } });
  expect(await component("test", "~latest")).toMatchObject({ component: { version: "1.10.0" } });
  expect(await component("gone", "main")).toEqual({
    kind: "missing",
    message: `component '${host}/group/lib/gone@main' - content not found`,
  });
  expect(await component("build", "3")).toMatchObject({ kind: "missing" });
  expect(await fetchOnce(server, { kind: "component", address: "other.example.com/g/p/c@1" }))
    .toEqual({
      kind: "missing",
      message: "component 'other.example.com/g/p/c@1' - the component path is not supported",
    });
});

test("IncludeFetcher reads a template of GitLab", async () => {
  using server = serveProjects({});
  server.pages.set(
    "/api/v4/templates/gitlab_ci_ymls/Jobs%2FBuild",
    () => Response.json({ name: "Jobs/Build", content: "text" }),
  );
  expect(await fetchOnce(server, { kind: "template", name: "Jobs/Build.gitlab-ci.yml" }))
    .toMatchObject({ kind: "found", text: "text" });
});

test("IncludeFetcher lists all files of a project", async () => {
  const files = Object.fromEntries(Array.from({ length: 250 }, (_, n) => [`f${n}.yml`, ""]));
  using server = serveProjects({ "group/lib": { refs: { v1: "c1" }, files: { c1: files } } });
  using directory = temporaryDirectory();
  using includes = fetcher(server, directory.path);
  const paths = await includes.filesOf({ project: "group/lib", ref: "v1" }, { signal: SIGNAL });
  expect(paths).toHaveLength(250);
  const filesOf = (project: string, ref: string) =>
    includes.filesOf({ project, ref }, { signal: SIGNAL });
  expect(await filesOf("group/x", "v1")).toBe("no-project");
  expect(await filesOf("group/lib", "v2")).toBe("no-ref");
});

test("IncludeFetcher works offline with what it fetched, until it is to fetch again", async () => {
  using directory = temporaryDirectory();
  const cache = join(directory.path, "includes");
  const file = { kind: "project", project: "group/lib", ref: "main", path: "ci/a.yml" } as const;
  using server = serveProjects(LIBRARY);
  {
    using includes = fetcher(server, cache);
    await includes.fetch(file, { signal: SIGNAL });
    await includes.filesOf({ project: "group/lib", ref: "main" }, { signal: SIGNAL });
  }
  const asked = server.requests.length;
  {
    using includes = fetcher(server, cache);
    expect(await includes.fetch(file, { signal: SIGNAL })).toEqual({
      kind: "found",
      text: "two",
      project: { project: "group/lib", ref: "main" },
    });
    expect(await includes.filesOf({ project: "group/lib", ref: "main" }, { signal: SIGNAL }))
      .toEqual(["ci/a.yml", "templates/build.yml"]);
    expect(server.requests).toHaveLength(asked);
  }
  using again = fetcher(server, cache, { refresh: true });
  await again.fetch(file, { signal: SIGNAL });
  expect(server.requests.length).toBeGreaterThan(asked);
  const modes = readdirSync(cache).map((name) => statSync(join(cache, name)).mode & 0o777);
  expect([...new Set(modes), statSync(cache).mode & 0o777]).toEqual([0o600, 0o700]);
});

test("IncludeFetcher does not keep what was missing", async () => {
  using directory = temporaryDirectory();
  const file = { kind: "project", project: "group/lib", ref: "main", path: "ci/new.yml" } as const;
  using before = serveProjects(LIBRARY);
  using includes = fetcher(before, directory.path);
  expect(await includes.fetch(file, { signal: SIGNAL })).toMatchObject({ kind: "missing" });
  expect(readdirSync(directory.path)).toEqual([]);
});

test("IncludeFetcher reads the project's own files at its own commit from the working tree", async () => {
  using server = serveProjects({});
  const host = new URL(server.url).host;
  const own = { kind: "project", project: "group/app", ref: "c0ffee" } as const;
  expect(await fetchOnce(server, { ...own, path: "a.yml" })).toMatchObject({ text: "own file" });
  expect(await fetchOnce(server, { ...own, path: "b.yml" })).toMatchObject({ kind: "missing" });
  expect(await fetchOnce(server, { kind: "component", address: `${host}/group/app/own@c0ffee` }))
    .toMatchObject({ text: "own component", component: { name: "own", sha: "c0ffee" } });
  expect(server.requests).toEqual([]);
  expect(await fetchOnce(server, { ...own, ref: "main", path: "a.yml" })).toMatchObject({
    kind: "missing",
  });
});
