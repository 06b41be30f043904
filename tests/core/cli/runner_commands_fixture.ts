/** A config.toml with a runner of each kind, and a GitLab that both are at. */

import { FakeGitLab, type Run, Sandbox } from "./fixture.ts";

export const CREATED = "glrt-created0123456789";
export const LEGACY = "legacy-token-0123456789";
export const RESET = "POST runners/reset_authentication_token";

/** A file with one runner of each kind, both at `url`. */
export async function writeConfig(sandbox: Sandbox, url: string): Promise<void> {
  await Bun.write(
    sandbox.configPath,
    `# keep me
concurrent = 4

[[runners]]
  name = "created"
  url = "${url}"
  id = 1
  token = "${CREATED}"
  executor = "shell"

[[runners]]
  name = "legacy"
  url = "${url}"
  id = 2
  token = "${LEGACY}"
  executor = "docker"
  [runners.docker]
    image = "alpine" # best
`,
  );
}

export async function inSandbox(
  answers: ConstructorParameters<typeof FakeGitLab>[0],
  use: (its: {
    sandbox: Sandbox;
    server: FakeGitLab;
    run: (...argv: readonly string[]) => Promise<Run>;
  }) => Promise<void>,
): Promise<void> {
  await using server = new FakeGitLab(answers);
  using sandbox = new Sandbox();
  await writeConfig(sandbox, server.url);
  const run = (command = "", ...more: readonly string[]) =>
    sandbox.run([command, "-c", "config.toml", ...more]);
  await use({ sandbox, server, run });
}
