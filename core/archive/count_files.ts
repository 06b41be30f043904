/** How much is in an archive, by what it says itself. */

import { WindowedFile } from "./windowed_file.ts";
import { readZipDirectory } from "./zip_directory.ts";

/** Files and links of a zip archive, without directories. Throws ArchiveError when it is none. */
export function countFiles(archive: string): number {
  using file = new WindowedFile(archive);
  let files = 0;
  for (const { kind } of readZipDirectory(file)) if (kind !== "directory") files++;
  return files;
}
