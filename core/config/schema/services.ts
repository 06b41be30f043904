/** `[[runners.docker.services]]` and `[[runners.kubernetes.services]]`. */

import { strings, text } from "../keys.ts";
import { tables } from "../tables.ts";

/** Services that every job gets. Configurations from before 12.0 list image names only. */
export const serviceTables = tables("services added to every job", {
  name: text("image"),
  alias: text("space/comma list of host aliases"),
  command: strings("replaces the image's command"),
  entrypoint: strings("replaces the image's entrypoint"),
  environment: strings("KEY=value", { sensitive: true }),
  suspend_data_path: text("kubernetes: data folder kept while a job is suspended"),
}, { from: (item) => typeof item === "string" ? { name: item } : item });
