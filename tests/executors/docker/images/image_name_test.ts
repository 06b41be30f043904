import { describe, expect, test } from "bun:test";
import {
  identityOf,
  isImageId,
  parseImageName,
} from "../../../../executors/docker/images/image_name.ts";
import { matchesPlatform } from "../../../../executors/docker/images/platform.ts";

const DIGEST = `sha256:${"ab".repeat(32)}`;

describe("parseImageName", () => {
  const known: [string, string, string, string | undefined, string | undefined][] = [
    ["debian", "docker.io", "library/debian", undefined, undefined],
    ["debian:12", "docker.io", "library/debian", "12", undefined],
    ["group/tool", "docker.io", "group/tool", undefined, undefined],
    ["index.docker.io/group/tool:1", "docker.io", "group/tool", "1", undefined],
    ["docker.io/debian", "docker.io", "library/debian", undefined, undefined],
    ["registry.example.com/a/b:v1.2", "registry.example.com", "a/b", "v1.2", undefined],
    ["registry:5000/a", "registry:5000", "a", undefined, undefined],
    ["localhost/a:1", "localhost", "a", "1", undefined],
    ["localhost:5000", "docker.io", "library/localhost", "5000", undefined],
    ["[::1]:5000/a", "[::1]:5000", "a", undefined, undefined],
    ["Registry.Example.com/a", "registry.example.com", "a", undefined, undefined],
    [`debian@${DIGEST}`, "docker.io", "library/debian", undefined, DIGEST],
    [`r.example.com:1/a:t@${DIGEST}`, "r.example.com:1", "a", "t", DIGEST],
  ];
  test.each(known)("splits %s", (reference, registry, path, tag, digest) => {
    expect(parseImageName(reference)).toEqual({ registry, path, tag, digest });
  });

  const refused = [
    "",
    "Debian",
    "debian:",
    "../../containers/json",
    "a//b",
    "a/../b",
    "debian?x=1",
    "debian 12",
    "debian\n",
    "-debian",
    "debian@sha256:short",
    "registry.example.com/",
    "http://registry.example.com/a",
    `${"a/".repeat(200)}a`,
    DIGEST,
  ];
  test.each(refused)("refuses %j", (reference) => {
    expect(parseImageName(reference)).toBeUndefined();
  });
});

test("identityOf is the same for all ways to name an image, and differs between versions", () => {
  const same = ["debian", "debian:latest", "docker.io/debian", "index.docker.io/library/debian"];
  const identities = same.map((reference) => identityOf(parseImageName(reference)!));
  expect(new Set(identities)).toEqual(new Set(["docker.io/library/debian:latest"]));
  expect(identityOf(parseImageName(`debian:1@${DIGEST}`)!)).toBe(
    `docker.io/library/debian@${DIGEST}`,
  );
});

test("isImageId knows whole ids only", () => {
  expect(isImageId(DIGEST)).toBe(true);
  expect(isImageId("ab".repeat(32))).toBe(true);
  expect(isImageId("sha256:abcd")).toBe(false);
  expect(isImageId("debian")).toBe(false);
});

test("matchesPlatform compares system and architecture under all their names", () => {
  const image = { os: "linux", architecture: "amd64" };
  for (const platform of [undefined, "", "linux", "amd64", "linux/amd64", "linux/x86_64"]) {
    expect(matchesPlatform(image, platform)).toBe(true);
  }
  for (const platform of ["arm64", "linux/arm64", "windows/amd64", "linux/arm64/v8", "windows"]) {
    expect(matchesPlatform(image, platform)).toBe(false);
  }
});
