/** Executor-specific settings of an image, as a job's payload has them. */

import { z } from "zod";

/** Strict: GitLab Runner fails a job that has an unknown key. Made when a job first has some. */
export const ExecutorOptions = z.lazy(() => {
  const platform = z.string().nullish().transform((value) => value ?? "");
  const user = z.union([z.string(), z.number()]).nullish().transform((value) =>
    value === null || value === undefined ? "" : String(value)
  );
  return z.strictObject({
    docker: z.strictObject({ platform, user }).nullish(),
    kubernetes: z.strictObject({ user }).nullish(),
  });
});
