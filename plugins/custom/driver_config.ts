/** What `config_exec` answers on its standard output. */

import { z } from "zod";
import { messageOf, SystemFailure } from "../../core/errors.ts";

const text = z.string().nullish().transform((value) => value ?? "");

export const DriverConfig = z.object({
  driver: z.object({ name: text, version: text }).nullish(),
  hostname: text,
  builds_dir: text,
  cache_dir: text,
  builds_dir_is_shared: z.boolean().nullish(),
  /** Environment of the programs that come after it, not of the job. */
  job_env: z.record(z.string(), z.string()).nullish(),
  shell: text,
});
export type DriverConfig = z.infer<typeof DriverConfig>;

/** An empty answer settles nothing. Throws SystemFailure that says what is wrong with it. */
export function parseDriverConfig(answer: string): DriverConfig {
  if (answer.trim() === "") return DriverConfig.parse({});
  let value: unknown;
  try {
    value = JSON.parse(answer);
  } catch (cause) {
    throw new SystemFailure(`The output of config_exec is no JSON: ${messageOf(cause)}`, { cause });
  }
  const parsed = DriverConfig.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new SystemFailure(`The output of config_exec is not usable: ${problems.join("; ")}`);
}
