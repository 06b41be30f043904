/** Archive formats: names as users and GitLab write them, file extensions, detection. */

import { closeSync, constants, openSync, readSync } from "node:fs";

const ARCHIVE_FORMATS = ["zip", "zipzstd", "tarzstd", "gzip", "raw"] as const;
export type ArchiveFormat = (typeof ARCHIVE_FORMATS)[number];

/** Undefined when `name` is not a format. */
export function parseFormat(name: string): ArchiveFormat | undefined {
  return ARCHIVE_FORMATS.find((format) => format === name.toLowerCase());
}

const EXTENSIONS: Readonly<Record<ArchiveFormat, string>> = {
  zip: ".zip",
  zipzstd: ".zip",
  tarzstd: ".tar.zst",
  gzip: ".gz",
  raw: "",
};

/** What an archive of this format has at the end of its name. */
export function formatExtension(format: ArchiveFormat): string {
  return EXTENSIONS[format];
}

/** The format by the first bytes, as GitLab Runner tells them apart: what is neither is a zip. */
export function detectFormat(file: string): "zip" | "tarzstd" | "gzip" {
  const fd = openSync(file, constants.O_RDONLY);
  try {
    const magic = Buffer.alloc(4);
    readSync(fd, magic, 0, 4, 0);
    if (magic.readUInt32BE(0) === 0x28b52ffd) return "tarzstd";
    return magic.readUInt16BE(0) === 0x1f8b ? "gzip" : "zip";
  } finally {
    closeSync(fd);
  }
}
