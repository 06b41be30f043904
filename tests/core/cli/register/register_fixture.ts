/** What the tests of `register` share. */

import { parse } from "smol-toml";
import { FakeGitLab, type Sandbox } from "../fixture.ts";

export const CREATED = "glrt-t1_created0123456789";
export const ISSUED = "issued-runner-token-0123";

/** A GitLab that registers and confirms everything, but for `overrides`. */
export function gitlab(
  overrides: ConstructorParameters<typeof FakeGitLab>[0] = {},
): FakeGitLab {
  return new FakeGitLab({
    "POST runners/verify": ({ body }) =>
      Response.json({ id: 12, token: body["token"], token_expires_at: "2030-01-02T03:04:05Z" }),
    "POST runners": () =>
      Response.json({ id: 34, token: ISSUED, token_expires_at: null }, { status: 201 }),
    "DELETE runners": () => new Response(null, { status: 204 }),
    "DELETE runners/managers": () => new Response(null, { status: 204 }),
    ...overrides,
  });
}

/** The entries of the file, as TOML has them. */
export async function entries(sandbox: Sandbox): Promise<Record<string, unknown>[]> {
  const { runners } = parse(await sandbox.config());
  return runners as unknown as Record<string, unknown>[];
}

/** A registration without questions, to `config.toml`. */
export function register(url: string, ...more: readonly string[]): readonly string[] {
  return ["register", "--config", "config.toml", "--non-interactive", "--url", url, ...more];
}
