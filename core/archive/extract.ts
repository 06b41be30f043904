/** Extracts an archive of any format that jobs exchange. */

import { ArchiveError } from "./entry.ts";
import type { ExtractOptions } from "./extract_options.ts";
import { detectFormat } from "./format.ts";
import { extractTarZstd } from "./tar_extract.ts";
import { extractZip } from "./zip_extract.ts";

/**
 * Extracts by content, not by name. Refused and damaged entries go to `onProblem`; throws
 * ArchiveError when the archive as a whole cannot be read.
 */
export async function extractArchive(options: ExtractOptions): Promise<void> {
  const format = detectFormat(options.archive);
  switch (format) {
    case "zip":
      return await extractZip(options);
    case "tarzstd":
      return await extractTarZstd(options);
    case "gzip":
      throw new ArchiveError("A gzip file is a report, not an archive to extract");
  }
}
