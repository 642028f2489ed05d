import { dtypeBytes } from '../../arithmetic/dtype.js';
import type { Threads } from '../../threads/threads.js';
import type { TileDtype } from '../functions/kernelFunction.js';

/** Rows of a tile that one call works out: some milliseconds, and enough calls for many threads. */
const STRIP = 32;
const LOW_STRIP = 16;

/** Packed rows: a block, its capacity, and how many of its rows count. */
export interface PackedRows {
  readonly address: number;
  readonly capacity: number;
  readonly rows: number;
}

/** Where entries go, row-major. */
export interface EntryTarget {
  readonly address: number;
  /** Entries from one row to the next. */
  readonly stride: number;
  readonly dtype: TileDtype;
}

/** Writes k(a_r, b_c) for all rows of a and b, in strips over all threads. */
export function evaluateTile(threads: Threads, a: PackedRows, b: PackedRows, target: EntryTarget): void {
  const rowBytes = target.stride * dtypeBytes[target.dtype];
  for (let r = 0; r < a.rows; r += STRIP)
    addStrip(threads, a, r, STRIP, b, b.rows, target.address + r * rowBytes, target.stride);
  threads.run();
}

/** Puts the calls on the list of the threads: for narrow blocks b, so strips are lower, to share them out evenly. */
export function evaluateStrips(threads: Threads, a: PackedRows, b: PackedRows, target: EntryTarget): void {
  const rowBytes = target.stride * dtypeBytes[target.dtype];
  for (let r = 0; r < a.rows; r += LOW_STRIP)
    addStrip(threads, a, r, LOW_STRIP, b, b.rows, target.address + r * rowBytes, target.stride);
}

/**
 * The same for a block with itself: the half below the diagonal is worked out, the other is a copy of it. `meanwhile`: see
 * `Threads.run`.
 */
export function evaluateDiagonalTile(
  threads: Threads,
  a: PackedRows,
  target: EntryTarget,
  meanwhile?: () => void,
): void {
  const { address, stride, dtype } = target;
  const bytes = dtypeBytes[dtype];
  for (let r = 0; r < a.rows; r += STRIP)
    addStrip(threads, a, r, STRIP, a, Math.min(a.rows, r + STRIP), address + r * stride * bytes, stride);
  threads.run(meanwhile);
  for (let r = 0; r < a.rows; r += STRIP)
    threads.add('mirrorRows', address, bytes, stride, r, Math.min(STRIP, a.rows - r));
  threads.run();
}

function addStrip(
  threads: Threads,
  a: PackedRows,
  from: number,
  height: number,
  b: PackedRows,
  columns: number,
  target: number,
  stride: number,
): void {
  const rows = Math.min(height, a.rows - from);
  threads.add(
    'evaluateBlock',
    a.address,
    a.capacity,
    from,
    rows,
    b.address,
    b.capacity,
    0,
    columns,
    target,
    stride,
  );
}
