import { dtypeBytes } from '../../arithmetic/dtype.js';
import { alignUp } from '../../memory/plan.js';
import type { Threads } from '../../threads/threads.js';
import { PACK_ROWS } from '../functions/blockEvaluator.js';
import type { TileDtype } from '../functions/kernelFunction.js';

/** Rows of a tile that one call works out: some milliseconds, and enough calls for many threads. */
const STRIP = 32;
/** Parts of a strip at the end of a block, and such strips for each thread. */
const LAST_PARTS = 4;
const LAST_STRIPS = 2;

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
  addStrips(threads, a, STRIP, b, target);
  threads.run();
}

/** Puts the calls for a narrow block b on the list of the threads: strips as low as they can be. */
export function addNarrowBlock(threads: Threads, a: PackedRows, b: PackedRows, target: EntryTarget): void {
  addStrips(threads, a, PACK_ROWS, b, target);
}

/** The last strips come in parts, so that all threads end at about the same time. */
function addStrips(
  threads: Threads,
  a: PackedRows,
  height: number,
  b: PackedRows,
  target: EntryTarget,
): void {
  const bytes = dtypeBytes[target.dtype];
  const part = alignUp(b.rows / LAST_PARTS, PACK_ROWS);
  const whole = threads.count === 1 ? a.rows : a.rows - LAST_STRIPS * threads.count * height;
  for (let r = 0; r < a.rows; r += height) {
    const rows = Math.min(height, a.rows - r);
    const width = r < whole ? b.rows : part;
    for (let c = 0; c < b.rows; c += width) {
      const to = target.address + (r * target.stride + c) * bytes;
      addCall(threads, a, r, rows, b, c, Math.min(width, b.rows - c), to, target.stride);
    }
  }
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
  for (let r = 0; r < a.rows; r += STRIP) {
    const end = Math.min(a.rows, r + STRIP);
    addCall(threads, a, r, end - r, a, 0, end, address + r * stride * bytes, stride);
  }
  threads.run(meanwhile);
  for (let r = 0; r < a.rows; r += STRIP)
    threads.add('mirrorRows', address, bytes, stride, r, Math.min(STRIP, a.rows - r));
  threads.run();
}

function addCall(
  threads: Threads,
  a: PackedRows,
  from: number,
  rows: number,
  b: PackedRows,
  firstColumn: number,
  columns: number,
  target: number,
  stride: number,
): void {
  threads.add(
    'evaluateBlock',
    a.address,
    a.capacity,
    from,
    rows,
    b.address,
    b.capacity,
    firstColumn,
    columns,
    target,
    stride,
  );
}
