import { describe, expect, test } from "bun:test";
import { accountIn, findAccount } from "../../../core/util/passwd.ts";

describe("accountIn", () => {
  test("reads lines of 7 and of 10 fields and takes whole names only", () => {
    const text = "rooted:x:5:5::/a:/b\nroot:x:0:0:root:/root:/bin/bash\n";
    expect(accountIn(text, "root")).toEqual({
      name: "root",
      uid: 0,
      gid: 0,
      home: "/root",
      shell: "/bin/bash",
    });
    expect(accountIn("me:*:501:20::0:0:Me:/Users/me:/bin/zsh", "me")).toEqual({
      name: "me",
      uid: 501,
      gid: 20,
      home: "/Users/me",
      shell: "/bin/zsh",
    });
    expect(accountIn("x:x:1:1::/:", "x")?.shell).toBe("/bin/sh");
    expect(accountIn(text, "nobody")).toBeUndefined();
  });
});

describe("findAccount", () => {
  const options = { path: "/usr/bin:/bin", signal: new AbortController().signal };

  test("knows the accounts of this host", async () => {
    expect(await findAccount("root", options)).toMatchObject({ uid: 0, home: "/root" });
  });

  test("answers undefined for an unknown name, also without a program to ask", async () => {
    expect(await findAccount("no-such-user", options)).toBeUndefined();
    expect(await findAccount("no-such-user", { ...options, path: "/nowhere" })).toBeUndefined();
  });
});
