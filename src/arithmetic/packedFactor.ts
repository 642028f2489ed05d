import { packedLength } from './gram.js';

/**
 * Parts of a Cholesky factorisation, of triangular solves and of products with the factor, for threads to share out
 * among themselves. Triangles are packed by rows, blocks of vectors row-major. See assembly/packedFactor.ts.
 */
export interface PackedFactorKernels {
  /** A[i][j] −= Σ_{m < top} L[i][m]·L[j][m] for i in [from, to), j in [top, min(end, i + 1)); top even, from ≥ top. */
  eliminateRows(a: number, from: number, to: number, top: number, end: number): void;
  /** Columns [top, end) of rows [from, to), from ≥ end, solved against the finished triangle of rows [top, end). */
  solveRows(a: number, from: number, to: number, top: number, end: number): void;
  /** Solves L·x = b in place for `columns` columns (even, at most 8) of d rows of `width` doubles at x. */
  lowerSolve(a: number, d: number, x: number, width: number, columns: number): void;
  /** Solves Lᵀ·x = b likewise. */
  lowerTransposedSolve(a: number, d: number, x: number, width: number, columns: number): void;
  /** target_i = Σ_{j ≤ i, j < d} L_ij·x_j for rows i in [from, to) and `columns` columns (even). */
  lowerProduct(
    a: number,
    d: number,
    from: number,
    to: number,
    x: number,
    width: number,
    columns: number,
    target: number,
  ): void;
}

/** Most columns of one call of a triangular solve. */
export const SOLVE_COLUMNS = 8;

export function plainPackedFactor(buffer: SharedArrayBuffer): PackedFactorKernels {
  const doubles = new Float64Array(buffer);
  const row = (a: number, i: number) => a / 8 + packedLength(i);
  return {
    eliminateRows(a, from, to, top, end) {
      for (let i = from; i < to; i++) {
        for (let j = top; j < Math.min(end, i + 1); j++) {
          let sum = 0;
          for (let m = 0; m < top; m++) sum += doubles[row(a, i) + m]! * doubles[row(a, j) + m]!;
          doubles[row(a, i) + j]! -= sum;
        }
      }
    },
    solveRows(a, from, to, top, end) {
      for (let i = from; i < to; i++) {
        for (let j = top; j < end; j++) {
          let value = doubles[row(a, i) + j]!;
          for (let m = top; m < j; m++) value -= doubles[row(a, i) + m]! * doubles[row(a, j) + m]!;
          doubles[row(a, i) + j] = value / doubles[row(a, j) + j]!;
        }
      }
    },
    lowerSolve(a, d, x, width, columns) {
      for (let i = 0; i < d; i++) {
        for (let c = 0; c < columns; c++) {
          let value = doubles[x / 8 + i * width + c]!;
          for (let j = 0; j < i; j++) value -= doubles[row(a, i) + j]! * doubles[x / 8 + j * width + c]!;
          doubles[x / 8 + i * width + c] = value / doubles[row(a, i) + i]!;
        }
      }
    },
    lowerTransposedSolve(a, d, x, width, columns) {
      for (let i = d - 1; i >= 0; i--) {
        for (let c = 0; c < columns; c++) {
          let value = doubles[x / 8 + i * width + c]!;
          for (let j = i + 1; j < d; j++) value -= doubles[row(a, j) + i]! * doubles[x / 8 + j * width + c]!;
          doubles[x / 8 + i * width + c] = value / doubles[row(a, i) + i]!;
        }
      }
    },
    lowerProduct(a, d, from, to, x, width, columns, target) {
      for (let i = from; i < to; i++) {
        for (let c = 0; c < columns; c++) {
          let sum = 0;
          for (let j = 0; j < Math.min(i + 1, d); j++)
            sum += doubles[row(a, i) + j]! * doubles[x / 8 + j * width + c]!;
          doubles[target / 8 + i * width + c] = sum;
        }
      }
    },
  };
}
