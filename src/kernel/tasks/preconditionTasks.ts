import { packedLength } from '../../arithmetic/gram.js';
import { TILE_PRODUCT_SCRATCH } from '../../arithmetic/tileProduct.js';
import type { TaskTable, ThreadEnvironment } from '../../threads/threads.js';

const FLOAT32 = 1;
const FLOAT64 = 2;
/** Rows of F that are in work at a time; 128 columns of doubles of them twice fill a thread's scratch. */
export const FACTOR_ROWS = 64;
/** Columns of FᵀF that one call makes. */
export const GRAM_COLUMNS = 128;

/**
 * Work on F [n][rank] of a preconditioner, float32, rows `stride` floats apart. Sums are doubles; where speed counts, of
 * sums of at most 64 terms in floats.
 */
export function preconditionTasks({ kernels, buffer, scratch }: ThreadEnvironment): TaskTable {
  const first = scratch + TILE_PRODUCT_SCRATCH;
  const doubles = new Float64Array(buffer);
  const floats = new Float32Array(buffer);
  const bytes = new Uint8Array(buffer);

  return {
    /**
     * For `rows` ≤ FACTOR_ROWS rows at `factor`: columns [done, done + m), which hold those of K, become
     * (K + F[:, 0..done]·W)·T, W [done][m] float32 and T [m][m] doubles, m a multiple of 4; their squares are taken from
     * the residual diagonal.
     */
    extendFactor: (a) => {
      const [factor, stride, rows, done, m, w, t, diagonal] = a as unknown as readonly [
        number,
        number,
        number,
        number,
        number,
        number,
        number,
        number,
      ];
      const columns = factor + 4 * done;
      const second = first + 8 * FACTOR_ROWS * m;
      kernels.toDoubles(columns, FLOAT32, stride, rows, m, first);
      kernels.addFloatProduct(factor, stride, 1, rows, done, w, m, m, first);
      doubles.fill(0, second / 8, second / 8 + rows * m);
      kernels.addTileProduct(first, FLOAT64, m, rows, m, t, m, second, scratch);
      for (let r = 0; r < rows; r++) {
        const from = second / 8 + r * m;
        const to = columns / 4 + r * stride;
        let explained = 0;
        for (let c = 0; c < m; c++) {
          const value = doubles[from + c]!;
          floats[to + c] = value;
          explained += value * value;
        }
        const at = diagonal / 8 + r;
        doubles[at] = Math.max(0, doubles[at]! - explained);
      }
    },

    /**
     * Adds FᵀF between columns [i0, i0 + rows) and [j0, j0 + columns) over the rows whose mask is `wanted` to the packed
     * triangle `gram`; rows ≤ GRAM_COLUMNS, columns ≤ 128, both multiples of 4, i0 ≥ j0. `exact` 1: all sums are doubles.
     */
    addFactorGram: (a) => {
      const [factor, stride, n, i0, rows, j0, columns, mask, wanted, gram, exact] = a as unknown as readonly [
        number,
        number,
        number,
        number,
        number,
        number,
        number,
        number,
        number,
        number,
        number,
      ];
      const sums = first + 8 * FACTOR_ROWS * columns;
      doubles.fill(0, sums / 8, sums / 8 + rows * columns);
      for (let r = 0; r < n; r += FACTOR_ROWS) {
        const count = Math.min(FACTOR_ROWS, n - r);
        const part = factor + 4 * r * stride;
        const left = part + 4 * i0;
        if (exact === 1) {
          kernels.toDoubles(part + 4 * j0, FLOAT32, stride, count, columns, first);
          for (let i = 0; i < count; i++) {
            if (bytes[mask + r + i] !== wanted)
              doubles.fill(0, first / 8 + i * columns, first / 8 + (i + 1) * columns);
          }
          kernels.addTransposedTileProduct(left, FLOAT32, stride, count, rows, first, columns, sums, scratch);
          continue;
        }
        // Rows that do not count become zero on one side, and are left out where they stand together.
        const to = first / 4;
        let used = 0;
        for (let i = 0; i < count; i++) {
          const at = to + i * columns;
          if (bytes[mask + r + i] === wanted) {
            const from = part / 4 + i * stride + j0;
            floats.copyWithin(at, from, from + columns);
            used++;
          } else floats.fill(0, at, at + columns);
        }
        if (used > 0) kernels.addFloatProduct(left, 1, stride, rows, count, first, columns, columns, sums);
      }
      for (let i = 0; i < rows; i++) {
        const row = gram / 8 + packedLength(i0 + i) + j0;
        const end = Math.min(columns, i0 + i - j0 + 1);
        for (let j = 0; j < end; j++) doubles[row + j]! += doubles[sums / 8 + i * columns + j]!;
      }
    },

    /** inverse = Cholesky factor of gram + shift·I; the number at `state` becomes the row where it failed, or rank. */
    factorGram: (a) => {
      const [gram, rank, shift, inverse, state] = a as unknown as readonly [
        number,
        number,
        number,
        number,
        number,
      ];
      doubles.copyWithin(inverse / 8, gram / 8, gram / 8 + packedLength(rank));
      for (let i = 0; i < rank; i++) doubles[inverse / 8 + packedLength(i) + i]! += shift;
      doubles[state / 8] = kernels.choleskyPacked(inverse, rank, 0);
    },

    /** LLᵀx = b in place for `count` vectors of `rank` doubles. */
    solveFactored: (a) => kernels.solvePacked(a[0]!, a[1]!, a[2]!, a[3]!),
  };
}
