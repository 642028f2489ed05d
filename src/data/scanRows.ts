import type { Arena } from '../memory/arena.js';
import type { RowBlock } from './rowBlock.js';
import type { RowReader } from './rowFile.js';

/** A block of a sequential scan, with the number of its first row in the file. */
export interface ScannedBlock extends RowBlock {
  readonly firstRow: number;
}

/** Bytes of the region `scanRows` needs to read blocks of `rows` rows with one read in flight. */
export function scanBytes(rows: number, rowBytes: number): number {
  return 2 * rows * rowBytes;
}

/**
 * Reads all rows in stored order through two halves of an arena region: while the caller works on one
 * half, the next block is read into the other. `from`: rows before it are left out.
 */
export async function* scanRows(
  file: RowReader,
  arena: Arena,
  region: string,
  signal?: AbortSignal,
  from = 0,
): AsyncGenerator<ScannedBlock> {
  const { rowBytes } = file.layout;
  const address = arena.address(region);
  const blockRows = Math.floor(arena.byteLength(region) / 2 / rowBytes);
  const halfBytes = blockRows * rowBytes;
  const read = (firstRow: number, half: number) => {
    const count = Math.min(blockRows, file.rows - firstRow);
    const target = new Uint8Array(arena.buffer, address + half * halfBytes, count * rowBytes);
    const done = file.readRows(target, firstRow, count);
    // A failure is reported when the block is awaited, not as an unhandled rejection before.
    done.catch(() => {});
    return { firstRow, count, done };
  };
  let half = 0;
  let next = file.rows > from ? read(from, half) : undefined;
  try {
    while (next !== undefined) {
      const { firstRow, count, done } = next;
      next = undefined;
      await done;
      signal?.throwIfAborted();
      const base = address + half * halfBytes;
      half = 1 - half;
      if (firstRow + count < file.rows) next = read(firstRow + count, half);
      yield { base, order: 0, from: 0, to: count, firstRow };
    }
  } finally {
    // The caller may free or reuse the region as soon as the scan ends, early or not.
    await next?.done.catch(() => {});
  }
}
