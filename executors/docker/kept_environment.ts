/** How people get at containers that stay. Pure. */

import type { KeptEnvironment } from "../../core/executor.ts";
import { quoteWord } from "../../core/util/quote_word.ts";
import type { JobFacts } from "./job_facts.ts";
import { REAPER_LABELS } from "./names.ts";

/** In the words of the command that the engine's people have. */
export function keptEnvironment(
  { facts, build }: {
    readonly facts: JobFacts;
    readonly build: { readonly name: string; readonly isKept: boolean };
  },
): KeptEnvironment {
  const { docker: { host }, paths, key, image } = facts;
  const isPodman = host.includes("podman");
  const client = [
    isPodman ? "podman" : "docker",
    ...(host === "" ? [] : [isPodman ? "--url" : "--host", quoteWord(host)]),
  ].join(" ");
  const directory = quoteWord(paths.projectDir);
  const filter = `--filter label=${REAPER_LABELS.jobKey}=${key}`;
  return {
    container: build.name,
    // What an entrypoint has run is over, and its container with it.
    enter: build.isKept
      ? `${client} exec -it -w ${directory} ${build.name} sh`
      : `${client} run --rm -it --volumes-from ${build.name} -w ${directory} --entrypoint sh ${
        quoteWord(image)
      }`,
    remove: `${client} rm -fv $(${client} ps -aq ${filter})`,
  };
}
