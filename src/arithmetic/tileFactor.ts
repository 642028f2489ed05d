import { halfToNumber } from './dtype.js';

/**
 * The tiled Cholesky factorisation. See assembly/tileFactor.ts. Matrices lie in strips of eight rows (`stripIndex`), as
 * float32; strips, columns and depths are multiples of 8 rows or columns, so there are no edges.
 */
export interface TileFactorKernels {
  /** Copies a row-major rows × columns matrix, times `scale`, into strips; `dtype` 0 float16, 1 float32, 2 float64. */
  loadStrips(
    source: number,
    dtype: number,
    sourceStride: number,
    rows: number,
    columns: number,
    target: number,
    stride: number,
    scale: number,
  ): void;
  /** target −= A·Bᵀ: `strips` strips of A, `columns` rows of B, over `depth` columns of both; one stride for all. */
  subtractStripProducts(
    a: number,
    b: number,
    target: number,
    strips: number,
    columns: number,
    depth: number,
    stride: number,
  ): void;
  /** Solves X·Lᵀ = C in place for `strips` strips of C, L a lower triangle of `columns` rows in strips. */
  solveStrips(factor: number, target: number, strips: number, columns: number, stride: number): void;
  /** target[r] += Σ_c x(r, c)², in doubles. */
  addStripSquares(strips: number, columns: number, source: number, stride: number, target: number): void;
  /** target_v[r] −= Σ_c x(r, c)·u_v[c] for `width` vectors of doubles, `length` apart. */
  subtractStripsTimes(
    x: number,
    strips: number,
    columns: number,
    stride: number,
    u: number,
    length: number,
    width: number,
    target: number,
  ): void;
  /** target_v[c] −= Σ_r x(r, c)·u_v[r]. */
  subtractStripsTransposedTimes(
    x: number,
    strips: number,
    columns: number,
    stride: number,
    u: number,
    length: number,
    width: number,
    target: number,
  ): void;
  /** Solves L·x = u (`transposed` 0) or Lᵀ·x = u (1) in place, in doubles. */
  solveTriangle(
    factor: number,
    columns: number,
    stride: number,
    u: number,
    length: number,
    width: number,
    transposed: number,
  ): void;
}

/** Elements of factors, of matrices scaled to a diagonal of about 1, below this are set to zero. */
export const TINY_ELEMENT = 2 ** -60;

export function flushTiny(value: number): number {
  return Math.abs(value) < TINY_ELEMENT ? 0 : value;
}

/** Rows of a strip. */
export const STRIP_ROWS = 8;

/** Place of element (r, c), in elements. */
export function stripIndex(r: number, c: number, stride: number): number {
  return ((r >>> 3) * stride + c) * STRIP_ROWS + (r & 7);
}

export function plainTileFactor(buffer: SharedArrayBuffer): TileFactorKernels {
  const doubles = new Float64Array(buffer);
  const floats = new Float32Array(buffer);
  const halves = new Uint16Array(buffer);
  const entry = (address: number, dtype: number, index: number) =>
    dtype === 2
      ? doubles[address / 8 + index]!
      : dtype === 1
        ? floats[address / 4 + index]!
        : halfToNumber(halves[address / 2 + index]!);
  return {
    loadStrips(source, dtype, sourceStride, rows, columns, target, stride, scale) {
      for (let r = 0; r < rows; r++) {
        for (let c = 0; c < columns; c++)
          floats[target / 4 + stripIndex(r, c, stride)] = flushTiny(
            scale * entry(source, dtype, r * sourceStride + c),
          );
      }
    },
    subtractStripProducts(a, b, target, strips, columns, depth, stride) {
      for (let r = 0; r < strips * STRIP_ROWS; r++) {
        for (let c = 0; c < columns; c++) {
          let sum = 0;
          for (let k = 0; k < depth; k++)
            sum += floats[a / 4 + stripIndex(r, k, stride)]! * floats[b / 4 + stripIndex(c, k, stride)]!;
          floats[target / 4 + stripIndex(r, c, stride)]! -= sum;
        }
      }
    },
    solveStrips(factor, target, strips, columns, stride) {
      for (let r = 0; r < strips * STRIP_ROWS; r++) {
        for (let c = 0; c < columns; c++) {
          let value = floats[target / 4 + stripIndex(r, c, stride)]!;
          for (let k = 0; k < c; k++)
            value -=
              floats[target / 4 + stripIndex(r, k, stride)]! * floats[factor / 4 + stripIndex(c, k, stride)]!;
          floats[target / 4 + stripIndex(r, c, stride)] = flushTiny(
            value / floats[factor / 4 + stripIndex(c, c, stride)]!,
          );
        }
      }
    },
    addStripSquares(strips, columns, source, stride, target) {
      for (let r = 0; r < strips * STRIP_ROWS; r++) {
        for (let c = 0; c < columns; c++)
          doubles[target / 8 + r]! += floats[source / 4 + stripIndex(r, c, stride)]! ** 2;
      }
    },
    subtractStripsTimes(x, strips, columns, stride, u, length, width, target) {
      for (let v = 0; v < width * length; v += length) {
        for (let r = 0; r < strips * STRIP_ROWS; r++) {
          for (let c = 0; c < columns; c++)
            doubles[target / 8 + v + r]! -=
              floats[x / 4 + stripIndex(r, c, stride)]! * doubles[u / 8 + v + c]!;
        }
      }
    },
    subtractStripsTransposedTimes(x, strips, columns, stride, u, length, width, target) {
      for (let v = 0; v < width * length; v += length) {
        for (let r = 0; r < strips * STRIP_ROWS; r++) {
          for (let c = 0; c < columns; c++)
            doubles[target / 8 + v + c]! -=
              floats[x / 4 + stripIndex(r, c, stride)]! * doubles[u / 8 + v + r]!;
        }
      }
    },
    solveTriangle(factor, columns, stride, u, length, width, transposed) {
      const l = (r: number, c: number) => floats[factor / 4 + stripIndex(r, c, stride)]!;
      for (let v = 0; v < width; v++) {
        const x = doubles.subarray(u / 8 + v * length, u / 8 + v * length + columns);
        for (let i = 0; i < columns; i++) {
          const r = transposed === 1 ? columns - 1 - i : i;
          x[r]! /= l(r, r);
          for (let c = r + 1; c < columns && transposed === 0; c++) x[c]! -= l(c, r) * x[r]!;
          for (let c = 0; c < r && transposed === 1; c++) x[c]! -= l(r, c) * x[r]!;
        }
      }
    },
  };
}
