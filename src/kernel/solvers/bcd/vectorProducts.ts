import type { Threads } from '../../../threads/threads.js';

/** Rows of one call. */
const STRIP = 256;
/** Columns of one call of a cross product. */
const COLUMNS = 4;
const FLOAT64 = 2;

/** target[n][columns] += v[n][width]·m[width][columns], all doubles; `columns` even. */
export function addMultiple(
  threads: Threads,
  n: number,
  v: Float64Array,
  width: number,
  m: Float64Array,
  columns: number,
  target: Float64Array,
): void {
  for (let r = 0; r < n; r += STRIP) {
    threads.add(
      'addTileProduct',
      v.byteOffset + 8 * r * width,
      FLOAT64,
      width,
      Math.min(STRIP, n - r),
      width,
      m.byteOffset,
      columns,
      target.byteOffset + 8 * r * columns,
    );
  }
  threads.run();
}

/** target[width][width] := aᵀb for a, b [n][width]. Each thread sums some rows of the target over all n. */
export function crossProduct(
  threads: Threads,
  n: number,
  a: Float64Array,
  b: Float64Array,
  width: number,
  target: Float64Array,
): void {
  target.fill(0);
  for (let c = 0; c < width; c += COLUMNS) {
    threads.add(
      'addTransposedTileProduct',
      a.byteOffset + 8 * c,
      FLOAT64,
      width,
      n,
      Math.min(COLUMNS, width - c),
      b.byteOffset,
      width,
      target.byteOffset + 8 * c * width,
    );
  }
  threads.run();
}
