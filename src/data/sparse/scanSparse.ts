import type { Kernels } from '../../arithmetic/kernels.js';
import type { Arena } from '../../memory/arena.js';
import { alignUp, type Region } from '../../memory/plan.js';
import type { ScannedBlock } from '../scanRows.js';
import { HEADER_WORDS, recordWords, type SparseDtype, sparseDtypeCodes } from './sparseRecord.js';
import type { SparseRowFile } from './sparseRowFile.js';

/** Bytes of the shortest row. */
const SHORTEST = 4 * HEADER_WORDS;

/** Bytes of the longest row of a part. */
export function longestBytes(longestRow: number, dtype: SparseDtype): number {
  return 4 * recordWords(longestRow, dtype);
}

/** Regions of a scan that reads `bytes` bytes at a time (at least the longest row), one read in flight. */
export function scanSparseRegions(prefix: string, bytes: number): Region[] {
  const half = alignUp(bytes, 4);
  return [
    { name: `${prefix} rows`, bytes: 2 * half },
    { name: `${prefix} order`, bytes: 4 * (Math.floor(half / SHORTEST) + 1) },
    { name: `${prefix} walk`, bytes: 12 },
  ];
}

/** The rows of a scan: those from number `from` on and below `to`. */
export interface SparseRange {
  readonly from?: number;
  readonly to?: number;
}

/**
 * Reads rows in stored order through two halves of the regions of `scanSparseRegions`: while the caller works on one, the next rows
 * are read into the other. Row number order[i] of a block lies at base + 4·order[i]; every index of it is below d.
 *
 * @throws MlmlError `MLML_BAD_FILE` for rows that cannot be right
 */
export async function* scanSparse(
  file: SparseRowFile,
  arena: Arena,
  kernels: Kernels,
  prefix: string,
  signal?: AbortSignal,
  { from = 0, to = file.rows }: SparseRange = {},
): AsyncGenerator<ScannedBlock> {
  if (from >= to) return;
  // Rows begin at multiples of 4.
  const half = 4 * Math.floor(arena.byteLength(`${prefix} rows`) / 8);
  const base = arena.address(`${prefix} rows`);
  const order = arena.address(`${prefix} order`);
  const capacity = arena.byteLength(`${prefix} order`) / 4;
  const result = arena.uint32(`${prefix} walk`);
  const { d, dtype } = file.layout;
  let position = await file.offsetOf(from);
  const end = to === file.rows ? file.sizes.bytes : await file.offsetOf(to);
  const read = (which: number) => {
    const length = Math.min(half, end - position);
    const done = file.readInto(new Uint8Array(arena.buffer, base + which * half, length), position);
    // A failure is reported when the block is awaited, not as an unhandled rejection before.
    done.catch(() => {});
    return { which, length, done };
  };
  let next: ReturnType<typeof read> | undefined = read(0);
  let firstRow = from;
  try {
    while (next !== undefined) {
      const { which, length, done } = next;
      next = undefined;
      await done;
      signal?.throwIfAborted();
      const start = base + which * half;
      const code = sparseDtypeCodes[dtype];
      const found = kernels.walkSparse(
        start,
        start + length,
        d,
        code,
        base,
        order,
        Math.min(capacity, to - firstRow),
        arena.address(`${prefix} walk`),
      );
      const [bytes, fault] = [result[0]!, result[1]!];
      if (fault !== 0 || found === 0) throw file.fault(firstRow + found, position + bytes, fault);
      position += bytes;
      const isLast = firstRow + found === to;
      if (isLast !== (position === end)) throw file.fault(firstRow + found, position, 0);
      if (!isLast) next = read(1 - which);
      yield { base, order, from: 0, to: found, firstRow };
      firstRow += found;
    }
  } finally {
    // The caller may free or reuse the regions as soon as the scan ends, early or not.
    await next?.done.catch(() => {});
  }
}
