/** Compression levels as users name them, and what each library makes of them. */

const COMPRESSION_LEVELS = ["fastest", "fast", "default", "slow", "slowest"] as const;
export type CompressionLevel = (typeof COMPRESSION_LEVELS)[number];

export interface LevelSettings {
  /** zlib, for files cut into blocks; 0 only stores. */
  readonly deflateBlock: number;
  /** libdeflate, for files compressed in one piece; 0 only stores. */
  readonly deflateWhole: number;
  readonly zstd: number;
}

/**
 * The default is a low level on purpose: level 6 halves the speed to save a tenth of the size, and
 * the time a job waits is mostly spent here.
 */
const SETTINGS: Readonly<Record<CompressionLevel, LevelSettings>> = {
  fastest: { deflateBlock: 0, deflateWhole: 0, zstd: 1 },
  fast: { deflateBlock: 1, deflateWhole: 1, zstd: 1 },
  default: { deflateBlock: 2, deflateWhole: 2, zstd: 2 },
  slow: { deflateBlock: 6, deflateWhole: 6, zstd: 7 },
  slowest: { deflateBlock: 9, deflateWhole: 9, zstd: 15 },
};

/** Reads a level's name; an unknown one means `default`, as GitLab Runner has it. */
export function levelSettings(name: string): LevelSettings {
  const level = COMPRESSION_LEVELS.find((known) => known === name.toLowerCase());
  return SETTINGS[level ?? "default"];
}
