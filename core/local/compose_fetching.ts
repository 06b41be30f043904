/** Composes a pipeline whose rules may ask for files of other projects, which take time to list. */

import type { CiConfig } from "../pipeline/ci_config.ts";
import type { CiSource, FileList, ProjectRef } from "../pipeline/ci_source.ts";
import { compose } from "../pipeline/compose.ts";
import type { Pipeline, PipelineFacts } from "../pipeline/pipeline.ts";

/** What it asks for and is not known is fetched, and it is composed again. Throws CiConfigError. */
export async function composeFetching(
  config: CiConfig,
  facts: PipelineFacts,
  { source, signal }: {
    readonly source: Pick<CiSource, "filesOf">;
    readonly signal: AbortSignal;
  },
): Promise<Pipeline> {
  const known = new Map<string, FileList>();
  for (;;) {
    const asked = new Map<string, ProjectRef>();
    const filesOf = (where: ProjectRef) => {
      const key = JSON.stringify([where.project, where.ref]);
      if (!known.has(key)) asked.set(key, where);
      return known.get(key);
    };
    try {
      const pipeline = compose(config, { ...facts, filesOf });
      if (asked.size === 0) return pipeline;
    } catch (error) {
      // Without the files a rule does not fit, and what needs its job is refused.
      if (asked.size === 0) throw error;
    }
    await Promise.all([...asked].map(async ([key, where]) => {
      known.set(key, await source.filesOf(where, { signal }));
    }));
  }
}
