/**
 * Where the blocks of a large zip entry lie, so that several cores can extract it. It stands in an
 * extra field of the central directory, which every other reader passes over.
 */

/** Free in the registry of APPNOTE 4.5.2: "rb" as bytes. */
export const EXTRA_BLOCKS = 0x6272;

/** Each block compresses on its own, and together they are one stream. */
export interface BlockTable {
  /** Content of every block but the last, which has the rest. */
  readonly rawBlockSize: number;
  /** Compressed sizes. */
  readonly sizes: readonly number[];
}

/** The other extra fields of an entry need no more than the rest of 64 KiB. */
const LONGEST_TABLE = 65_000;
/** Nobody has to hold more than this of a block. */
const LARGEST_BLOCK = 16 << 20;

/** The extra field's data; undefined where there are too many blocks for one. */
export function encodeBlockTable({ rawBlockSize, sizes }: BlockTable): Buffer | undefined {
  const data = Buffer.alloc(4 * (sizes.length + 1));
  if (data.length > LONGEST_TABLE) return undefined;
  data.writeUInt32LE(rawBlockSize, 0);
  sizes.forEach((size, index) => data.writeUInt32LE(size, 4 * (index + 1)));
  return data;
}

/** The table of an entry of these sizes; undefined when it belongs to another content. */
export function decodeBlockTable(
  data: Buffer,
  entry: { readonly size: number; readonly rawSize: number },
): BlockTable | undefined {
  if (data.length < 8 || data.length % 4 !== 0) return undefined;
  const rawBlockSize = data.readUInt32LE(0);
  const sizes = Array.from(
    { length: data.length / 4 - 1 },
    (_, index) => data.readUInt32LE(4 * (index + 1)),
  );
  const sane = rawBlockSize > 0 && rawBlockSize <= LARGEST_BLOCK &&
    sizes.length === Math.ceil(entry.rawSize / rawBlockSize) &&
    sizes.every((size) => size <= 2 * LARGEST_BLOCK) &&
    sizes.reduce((sum, size) => sum + size, 0) === entry.size;
  return sane ? { rawBlockSize, sizes } : undefined;
}
