/** The Docker Engine that the gate's suites share. */

import { messageOf } from "../../core/errors.ts";
import { answers, missingForDocker, startEngine } from "../../tests/executors/docker/dockerd.ts";
import { failedSuite, skippedSuite, type SuiteOutcome } from "./outcome.ts";

/** Where every client looks for one. */
export const MACHINE_ENGINE = "unix:///var/run/docker.sock";

export interface GateEngine extends AsyncDisposable {
  /** Whether there is one. */
  readonly outcome: SuiteOutcome;
}

/** The machine's own, or one that ends with the gate. */
export async function gateEngine(): Promise<GateEngine> {
  const started = performance.now();
  const without = (outcome: SuiteOutcome) => ({ outcome, async [Symbol.asyncDispose]() {} });
  const found = (name: string): SuiteOutcome => ({
    suite: "engine",
    cases: [{ name, kind: "passed" }],
    seconds: (performance.now() - started) / 1000,
    output: "",
  });
  const missing = missingForDocker();
  if (missing !== undefined) return without(skippedSuite("engine", missing));
  if (await answers(MACHINE_ENGINE)) return without(found("the machine's own"));
  try {
    const engine = await startEngine({ network: "machine", host: MACHINE_ENGINE });
    return {
      outcome: found("started for the gate"),
      [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
    };
  } catch (error) {
    return without(failedSuite("engine", messageOf(error)));
  }
}
