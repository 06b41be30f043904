/** Makes what was written survive a loss of power. */

import { open } from "node:fs/promises";

/** Settles when the file's content is on the disk. Throws the system's error. */
export async function syncFile(path: string): Promise<void> {
  await using file = await open(path, "r+");
  await file.sync();
}

/** Settles when the names in the folder are on the disk; Windows keeps them without being asked. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  await using folder = await open(path, "r");
  await folder.sync();
}
