/** What an operator reads when a real server does not let the runner in. */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { SshConnection } from "../../../core/ssh/connection.ts";
import { SshRefusal } from "../../../core/ssh/refusal.ts";
import {
  makeKey,
  missingForSshd,
  type SshdOptions,
  startSshd,
  type TestSshd,
} from "../../fixtures/sshd.ts";
import { TestAgent } from "../../fixtures/ssh_agent.ts";
import { type Login, NEVER, targetAt } from "./fixture.ts";

setDefaultTimeout(30_000);

const missing = missingForSshd();
if (missing === undefined) describe("a login", suite);
else test.skip(`a login: NOT RUN, ${missing}`, () => {});

const PASSWORD_LINES = ["PasswordAuthentication yes", "KbdInteractiveAuthentication no"];

const WITH_USERS: SshdOptions = {
  lines: [...PASSWORD_LINES, "MaxAuthTries 3"],
  users: [
    { name: "alice", password: "right" },
    { name: "gone", password: "right", expired: "account" },
  ],
};

function suite(): void {
  let sshd: TestSshd;
  beforeAll(async () => void (sshd = await startSshd(WITH_USERS)));
  afterAll(async () => await sshd[Symbol.asyncDispose]());

  /** Undefined: it works. */
  async function attempt(user: string, login: Login, at = sshd): Promise<string | undefined> {
    try {
      const target = targetAt(at.port, login, { user });
      await using connection = await SshConnection.open(target, { signal: NEVER });
      return connection.isOpen ? undefined : "it was closed";
    } catch (error) {
      if (!(error instanceof SshRefusal)) throw error;
      return error.message.replace(/^Cannot connect to "[^"]*": /, "");
    }
  }

  test("a password opens a server", async () => {
    expect(await attempt("alice", { password: "right" })).toBeUndefined();
  });

  test("a wrong password", async () => {
    expect(await attempt("alice", { password: "wrong" })).toBe(
      'the server refuses the login (tried: password): the password has to be that of "alice", ' +
        "who has to be allowed to use one; the account must not be locked or have expired, and its " +
        "login shell has to exist",
    );
  });

  test("an account that has expired", async () => {
    expect(await attempt("gone", { password: "right" })).toContain("(tried: password)");
  });

  test("a strange key", async () => {
    const identityFile = sshd.keys.stranger;
    const said = await attempt("alice", { identityFile });
    expect(said).toContain("the server refuses the login (tried: identity_file)");
    expect(said).toMatch(/the public key of ".*stranger", SHA256:\S{43}, has to stand in/);
  });

  test("nothing to log in with", async () => {
    const said = await attempt("alice", {});
    expect(said).toContain("it takes: publickey, password");
    expect(said).toContain("set identity_file or password in [runners.ssh]");
  });

  test("a password where only keys are taken", async () => {
    await using own = await startSshd({ lines: ["KbdInteractiveAuthentication no"] });
    expect(await attempt("root", { password: "secret" }, own)).toBe(
      "the server does not take what there is (password), but: publickey",
    );
  });

  test("a key where a password is wanted as well, which opens it with both", async () => {
    await using own = await startSshd({
      ...WITH_USERS,
      lines: [...PASSWORD_LINES, "AuthenticationMethods publickey,password"],
    });
    const key = { identityFile: own.keys.friend };
    expect(await attempt("alice", key, own)).toBe(
      "the server wants more than what there is (tried: identity_file), namely: password",
    );
    expect(await attempt("alice", { ...key, password: "right" }, own)).toBeUndefined();
  });

  test("an agent that is not there, has no keys, has strange ones and at last the right one", async () => {
    const socket = join(sshd.directory, "agent");
    const login = { agent: socket };
    expect(await attempt("alice", login)).toMatch(/^Cannot ask the agent at .* Start it/);
    await using agent = await TestAgent.start(socket);
    expect(await attempt("alice", login)).toContain("has no keys: add one with ssh-add");
    agent.add(sshd.keys.stranger);
    expect(await attempt("alice", login)).toContain("(tried: agent with 1 key)");
    for (const name of ["second", "third"]) {
      makeKey(join(sshd.directory, name), "ed25519");
      agent.add(join(sshd.directory, name));
    }
    const said = await attempt("alice", login);
    expect(said).toContain("(tried: agent with 3 keys)");
    expect(said).toContain("MaxAuthTries");
    agent.removeAll();
    agent.add(sshd.keys.friend);
    expect(await attempt("alice", login)).toBeUndefined();
  });
}
