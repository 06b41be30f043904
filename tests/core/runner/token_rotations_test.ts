import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { loadConfig } from "../../../core/config/load.ts";
import { EmbeddedCoordinator } from "../../../core/embedded/mod.ts";
import type { Metrics } from "../../../core/metrics/metrics.ts";
import { noMetrics } from "../../../core/metrics/no_metrics.ts";
import { TokenRotations } from "../../../core/runner/token_rotations.ts";
import { quietLogger } from "../../fakes/quiet_logger.ts";
import { temporaryDirectory } from "../../fixtures/temporary_directory.ts";

type Outcome = Parameters<Metrics["configuration"]>[0];

/** Renews the token of the only entry; resolves when what came of it has been counted. */
async function rotated(
  before: (configPath: string) => void = () => {},
): Promise<{ counted: readonly Outcome[]; text: string }> {
  await using coordinator = await EmbeddedCoordinator.start();
  using directory = temporaryDirectory();
  const configPath = `${directory.path}/config.toml`;
  const at = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
  writeFileSync(
    configPath,
    `[[runners]]\nname = "r"\nurl = "${coordinator.url}"\n` +
      `token = "${coordinator.addRunner().token}"\nexecutor = "shell"\n` +
      `token_obtained_at = ${at(-9)}\ntoken_expires_at = ${at(1)}\n`,
  );
  const { config } = await loadConfig(configPath, { env: {} });
  before(configPath);
  const counted: Outcome[] = [];
  const done = Promise.withResolvers<void>();
  const metrics: Metrics = {
    ...noMetrics,
    configuration(outcome) {
      counted.push(outcome);
      done.resolve();
    },
  };
  const rotations = new TokenRotations({
    configPath,
    systemId: "s_0",
    env: {},
    logger: quietLogger,
    metrics,
  });
  rotations.follow(config.runners);
  await done.promise;
  await rotations.settled();
  rotations.stop();
  return { counted, text: readFileSync(configPath, "utf8") };
}

test("TokenRotations count that the configuration was saved", async () => {
  const { counted, text } = await rotated();
  expect(counted).toEqual(["saved"]);
  expect(text).not.toContain("token_expires_at");
});

test("TokenRotations count that the configuration could not be saved", async () => {
  const { counted } = await rotated((path) => writeFileSync(path, "in the way = = "));
  expect(counted).toEqual(["saving-error"]);
});
