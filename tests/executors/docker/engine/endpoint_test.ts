import { describe, expect, test } from "bun:test";
import { fixedVersion, negotiate } from "../../../../executors/docker/engine/api_version.ts";
import { dialerFor } from "../../../../executors/docker/engine/dialer.ts";
import { endpointOf } from "../../../../executors/docker/engine/endpoint.ts";
import { isSavedImage } from "../../../../executors/docker/engine/image_import.ts";
import {
  imagePath,
  parseImageReference,
} from "../../../../executors/docker/engine/image_reference.ts";

describe("endpointOf", () => {
  const of = (host: string | undefined, more: object = {}) =>
    endpointOf({ ...(host === undefined ? {} : { host }), env: {}, ...more });

  test("takes the configured host, then DOCKER_HOST, then the socket", () => {
    const env = { DOCKER_HOST: "unix:///run/other.sock" };
    expect(of("unix:///a", { env })).toMatchObject({ path: "/a" });
    expect(of(undefined, { env })).toMatchObject({ path: "/run/other.sock" });
    expect(of("")).toMatchObject({ kind: "unix", path: "/var/run/docker.sock" });
  });

  test("reads TCP hosts with their ports", () => {
    expect(of("tcp://h")).toMatchObject({ host: "h", port: 2375, tls: undefined });
    expect(of("tcp://h:1")).toMatchObject({ host: "h", port: 1, tls: undefined });
    expect(of("http://h:80")).toMatchObject({ host: "h", port: 80, tls: undefined });
    expect(of("tcp://[::1]:2")).toMatchObject({ host: "::1", port: 2 });
  });

  test("speaks TLS where certificates are given or a check is asked for", () => {
    expect(of("tcp://h", { tlsCertPath: "/c" })).toMatchObject({
      port: 2376,
      tls: { certificateDirectory: "/c", verify: false },
    });
    expect(of("tcp://h", { tlsCertPath: "/c", tlsVerify: true }))
      .toMatchObject({ tls: { verify: true } });
    expect(of("https://h")).toMatchObject({ port: 443, tls: { verify: true } });
    const env = { DOCKER_HOST: "tcp://e", DOCKER_CERT_PATH: "/d", DOCKER_TLS_VERIFY: "1" };
    expect(of(undefined, { env })).toMatchObject({
      host: "e",
      tls: { certificateDirectory: "/d", verify: true },
    });
  });

  test("does not use the environment's certificates for a configured host", () => {
    const env = { DOCKER_CERT_PATH: "/d", DOCKER_TLS_VERIFY: "1" };
    expect(of("tcp://h", { env })).toMatchObject({ tls: undefined });
  });

  test("reads ssh hosts with user, port and the socket there", () => {
    expect(of("ssh://h")).toMatchObject({ kind: "ssh", host: "h" });
    expect(of("ssh://u@h:22/run/x.sock"))
      .toMatchObject({ user: "u", host: "h", port: 22, socket: "/run/x.sock" });
    expect(of("ssh://[::1]:2022")).toMatchObject({ host: "::1", port: 2022 });
  });

  test("reads a named pipe, which the dialler then refuses with a way out", () => {
    const endpoint = of("npipe:////./pipe/docker_engine");
    expect(endpoint).toMatchObject({ kind: "npipe", path: "\\\\.\\pipe\\docker_engine" });
    expect(() => dialerFor(endpoint, {})).toThrow("let the engine listen on tcp://");
  });

  test("refuses what it cannot use, naming it", () => {
    for (const host of ["ftp://h", "h", "unix://x", "tcp://h/x", "ssh://h/a;b", "ssh://h?x=1"]) {
      expect(() => of(host)).toThrow(`Cannot use the Docker host "${host}"`);
    }
  });

  test("takes no word of an ssh host for an option, and shows no password", () => {
    expect(() => of("ssh://-oProxyCommand=x")).toThrow("Cannot use the Docker host");
    expect(() => of("ssh://-oProxyCommand=x@h")).toThrow("the user is no name");
    expect(() => of("ssh://u:secret@h")).toThrow(
      'Cannot use the Docker host "ssh://h": ssh takes no password',
    );
  });
});

describe("negotiate", () => {
  test("speaks the older of both", () => {
    expect(negotiate("1.41", "a")).toBe("1.41");
    expect(negotiate("1.47", "a")).toBe("1.47");
    expect(negotiate("1.52", "a")).toBe("1.47");
    expect(negotiate("1.9999", "a")).toBe("1.47");
  });

  test("refuses an engine that is too old or does not say", () => {
    for (const theirs of ["1.24", undefined, "1", "0.99", "../x"]) {
      expect(() => negotiate(theirs, "a")).toThrow("1.25 or later is needed");
    }
    expect(() => fixedVersion("1.x")).toThrow('DOCKER_API_VERSION "1.x" is not usable');
    expect(fixedVersion("1.30")).toBe("1.30");
  });
});

describe("image references", () => {
  test("parseImageReference never leaves the tag open", () => {
    const cases = {
      "alpine": ["alpine", "latest"],
      "alpine:3": ["alpine", "3"],
      "host:5000/a/b": ["host:5000/a/b", "latest"],
      "host:5000/a/b:c": ["host:5000/a/b", "c"],
      "a@sha256:12": ["a", "sha256:12"],
      "host:1/a:t@sha256:12": ["host:1/a", "sha256:12"],
    };
    for (const [reference, [repository, tag]] of Object.entries(cases)) {
      expect(parseImageReference(reference)).toEqual({ repository: repository!, tag: tag! });
    }
  });

  test("imagePath lets nothing out of its place", () => {
    expect(imagePath("a/b:c?x=1 \r\n#")).toBe("a/b%3Ac%3Fx%3D1%20%0D%0A%23");
  });

  test("isSavedImage tells an image archive from a root file system", () => {
    const first = (name: string) =>
      isSavedImage(Buffer.concat([Buffer.from(name), Buffer.alloc(512)]));
    for (
      const name of [
        "blobs/",
        "manifest.json",
        `${"a1".repeat(32)}/`,
        `${"a1".repeat(32)}.json`,
        `${"a1".repeat(32)}.tar`,
      ]
    ) {
      expect(first(name)).toBe(true);
    }
    for (const name of ["./", "bin/", "blobs", "./manifest.json"]) expect(first(name)).toBe(false);
    expect(isSavedImage(new Uint8Array(0))).toBe(false);
  });
});
