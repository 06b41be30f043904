/** The shape of the settings files of local runs. */

import { z } from "zod";
import { Secret } from "../util/secret.ts";

const Variable = z.union([
  z.string(),
  z.number().transform(String),
  z.boolean().transform(String),
  z.strictObject({
    value: z.string(),
    file: z.boolean().default(false),
    masked: z.boolean().default(false),
    expand: z.boolean().default(true),
  }),
]);

export const Variables = z.record(
  z.string().regex(/^[A-Za-z_]\w*$/, "is not a variable's name"),
  Variable,
)
  .default({});

const Token = z.string().min(1, "is empty").transform((token) => new Secret(token));

export const Settings = z.strictObject({
  /** Jobs that run at the same time. */
  concurrency: z.int().positive().optional(),
  executor: z.string().optional(),
  variables: Variables,
  /** Keys of a `[[runners]]` entry, as in config.toml. */
  runner: z.record(z.string(), z.unknown()).default({}),
});

export const Secrets = z.strictObject({
  /** Masked in every log. */
  variables: Variables,
  /** Sent to the GitLab that the repository's remote names, and nowhere else. */
  gitlab_token: Token.optional(),
  /** Those of other instances, by host: sent to that host, and nowhere else. */
  gitlab_tokens: z.record(z.string(), Token).default({}),
  /** Values for `id_tokens`, by their names. Masked in every log. */
  id_tokens: z.record(z.string(), z.string()).default({}),
  /** The same for `secrets`. */
  secrets: z.record(z.string(), z.string()).default({}),
});
