import { expect, test } from "bun:test";
import { remoteProject } from "../../../../core/local/variables/remote.ts";

const CASES: readonly (readonly [url: string, server: string, path: string])[] = [
  ["git@gitlab.example.org:group/sub/app.git", "https://gitlab.example.org", "group/sub/app"],
  ["https://gitlab.example.org/group/app.git", "https://gitlab.example.org", "group/app"],
  ["https://user:secret@gitlab.example.org:8443/a/b", "https://gitlab.example.org:8443", "a/b"],
  ["http://gitlab.local/a/b/", "http://gitlab.local", "a/b"],
  ["ssh://git@gitlab.example.org:2222/group/app.git", "https://gitlab.example.org", "group/app"],
  ["/srv/git/app.git", "https://gitlab.example.com", "local/dir-name"],
  ["../app.git", "https://gitlab.example.com", "local/dir-name"],
  ["C:\\work\\app", "https://gitlab.example.com", "local/dir-name"],
  ["", "https://gitlab.example.com", "local/dir-name"],
];

test.each(CASES)("remoteProject reads %j", (url, serverUrl, path) => {
  expect(remoteProject(url, "dir name")).toEqual({ serverUrl, path });
});

test("remoteProject lets nothing out of the builds directory", () => {
  expect(remoteProject("https://h/../../etc/..%2fpasswd", "x").path).not.toContain("..");
  expect(remoteProject("git@host.org:../../etc/passwd", "x").path).not.toContain("..");
});
