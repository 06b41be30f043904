import { describe, expect, test } from "bun:test";
import { hostKey, hostKeyAlgorithms } from "../../../core/ssh/host_key.ts";
import { knownServer, parseKnownHosts } from "../../../core/ssh/known_hosts.ts";

const KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIA0K2IqBdJh0QKnA4G9qGm0XcxBTjGqk1m4YYkWRvZ5d";

/** Lines on which a server's own keys stand. */
function linesOf(text: string, host: string, port = 22): readonly number[] {
  return knownServer(parseKnownHosts(text), host, port).keys.map(({ line }) => line);
}

describe("knownServer", () => {
  test.each([
    ["a name", `example.com ssh-ed25519 ${KEY}`, "example.com", 22, true],
    ["a name in other letters", `Example.com ssh-ed25519 ${KEY}`, "eXample.com", 22, true],
    ["one of several names", `a,example.com,b ssh-ed25519 ${KEY}`, "example.com", 22, true],
    ["another name", `example.org ssh-ed25519 ${KEY}`, "example.com", 22, false],
    ["a name with a port", `[example.com]:2222 ssh-ed25519 ${KEY}`, "example.com", 2222, true],
    ["the usual port written out", `[example.com]:22 ssh-ed25519 ${KEY}`, "example.com", 22, true],
    ["another port", `[example.com]:2222 ssh-ed25519 ${KEY}`, "example.com", 22, false],
    ["no port where one is used", `example.com ssh-ed25519 ${KEY}`, "example.com", 2222, false],
    ["an address", `192.0.2.1 ssh-ed25519 ${KEY}`, "192.0.2.1", 22, true],
    ["an IPv6 address", `2001:db8::1 ssh-ed25519 ${KEY}`, "2001:DB8::1", 22, true],
    ["a wildcard", `*.example.com ssh-ed25519 ${KEY}`, "a.example.com", 22, true],
    ["a wildcard for one character", `h?st ssh-ed25519 ${KEY}`, "host", 22, true],
    ["a wildcard with a port", `[*]:2222 ssh-ed25519 ${KEY}`, "host", 2222, true],
    ["a dot is a dot", `a.example.com ssh-ed25519 ${KEY}`, "axexample.com", 22, false],
    ["an exception", `*.example.com,!a.example.com ssh-ed25519 ${KEY}`, "a.example.com", 22, false],
    ["a comment behind the key", `example.com ssh-ed25519 ${KEY} me@home`, "example.com", 22, true],
    ["white space around", `  example.com\tssh-ed25519  ${KEY}\r`, "example.com", 22, true],
    ["a comment", `# example.com ssh-ed25519 ${KEY}`, "example.com", 22, false],
    ["a line cut short", "example.com ssh-ed25519", "example.com", 22, false],
    ["a key that is none", "example.com ssh-ed25519 ???", "example.com", 22, false],
    ["an unknown marker", `@what example.com ssh-ed25519 ${KEY}`, "example.com", 22, false],
  ])("finds a server by %s", (_what, text, host, port, found) => {
    expect(linesOf(text, host, port)).toEqual(found ? [1] : []);
  });

  // Made with `ssh-keygen -H`.
  test.each([
    ["localhost", 22, "|1|jIGb/yKwLDrIiQ1EI265p9IHBIA=|GNglXpAtuMDvGw/M4hdV4M2C780="],
    ["localhost", 2222, "|1|fxs/lGsY/SkOx+YE0EYlGxIjgzw=|oSBGSnIpu4u6ZOi66/w1rHYOwo0="],
  ])("finds %s on port %d by its hash", (host, port, hosts) => {
    const text = `${hosts} ssh-ed25519 ${KEY}`;
    expect(linesOf(text, host, port)).toEqual([1]);
    expect(linesOf(text, host, port + 1)).toEqual([]);
    expect(linesOf(text, "other", port)).toEqual([]);
  });

  test("a broken hash is nobody's", () => {
    for (const hosts of ["|1|", "|2|a|b", "|1|a", "|1|||", "|"]) {
      expect(linesOf(`${hosts} ssh-ed25519 ${KEY}`, "localhost")).toEqual([]);
    }
  });

  test("keeps all keys of a server, each with its line", () => {
    const text = `# mine\nhost ssh-ed25519 ${KEY}\n\nother ssh-rsa AAAA\nhost ssh-rsa BBBB\n`;
    expect(knownServer(parseKnownHosts(text), "host", 22).keys).toEqual([
      { type: "ssh-ed25519", base64: KEY, line: 2 },
      { type: "ssh-rsa", base64: "BBBB", line: 5 },
    ]);
  });

  test("tells revoked keys and authorities from a server's own", () => {
    const text = `@revoked * ssh-ed25519 ${KEY}\n@cert-authority *.example.com ssh-rsa AAAA\n`;
    expect(knownServer(parseKnownHosts(text), "a.example.com", 22)).toEqual({
      keys: [],
      revoked: [{ type: "ssh-ed25519", base64: KEY }],
      authorities: [{ type: "ssh-rsa", base64: "AAAA" }],
    });
    expect(knownServer(parseKnownHosts(text), "elsewhere", 22).authorities).toEqual([]);
  });
});

describe("hostKeyAlgorithms", () => {
  test("begins with those of the known types", () => {
    expect(hostKeyAlgorithms(new Set(["ssh-rsa"]))).toEqual([
      ...["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"],
      ...["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"],
    ]);
  });
});

test("hostKey reads the type of a key on the wire", () => {
  expect(hostKey(Buffer.from(KEY, "base64"))).toEqual({ type: "ssh-ed25519", base64: KEY });
  expect(hostKey(new Uint8Array()).type).toBe("");
});
