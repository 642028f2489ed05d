import { halfToNumber } from './dtype.js';

/**
 * Products of a tile of a kernel matrix with blocks of vectors, in doubles whatever the tile's number type.
 * See assembly/tileProduct.ts. `dtype`: 0 float16, 1 float32, 2 float64. Vectors are row-major, `width` (even) columns.
 */
export interface TileProductKernels {
  /** target[r][c] += Σ_s K[r][s]·v[s][c] for r < rows, s < columns, c < width. `scratch`: TILE_PRODUCT_SCRATCH bytes. */
  addTileProduct(
    tile: number,
    dtype: number,
    stride: number,
    rows: number,
    columns: number,
    v: number,
    width: number,
    target: number,
    scratch: number,
  ): void;
  /** target[s][c] += Σ_r K[r][s]·u[r][c]. */
  addTransposedTileProduct(
    tile: number,
    dtype: number,
    stride: number,
    rows: number,
    columns: number,
    u: number,
    width: number,
    target: number,
    scratch: number,
  ): void;
  /** `rows` rows of `columns` entries, `stride` entries apart, as doubles, `columns` apart. */
  toDoubles(
    source: number,
    dtype: number,
    stride: number,
    rows: number,
    columns: number,
    target: number,
  ): void;
}

export const tileDtypeCodes = ['float16', 'float32', 'float64'] as const;
export const TILE_PRODUCT_SCRATCH = 64 * 1024;

export function plainTileProduct(buffer: SharedArrayBuffer): TileProductKernels {
  const doubles = new Float64Array(buffer);
  const floats = new Float32Array(buffer);
  const halves = new Uint16Array(buffer);
  const entry = (tile: number, dtype: number, index: number) =>
    dtype === 2
      ? doubles[tile / 8 + index]!
      : dtype === 1
        ? floats[tile / 4 + index]!
        : halfToNumber(halves[tile / 2 + index]!);
  return {
    addTileProduct(tile, dtype, stride, rows, columns, v, width, target) {
      for (let r = 0; r < rows; r++) {
        for (let s = 0; s < columns; s++) {
          const value = entry(tile, dtype, r * stride + s);
          for (let c = 0; c < width; c++)
            doubles[target / 8 + r * width + c]! += value * doubles[v / 8 + s * width + c]!;
        }
      }
    },
    toDoubles(source, dtype, stride, rows, columns, target) {
      for (let r = 0; r < rows; r++)
        for (let c = 0; c < columns; c++)
          doubles[target / 8 + r * columns + c] = entry(source, dtype, r * stride + c);
    },
    addTransposedTileProduct(tile, dtype, stride, rows, columns, u, width, target) {
      for (let r = 0; r < rows; r++) {
        for (let s = 0; s < columns; s++) {
          const value = entry(tile, dtype, r * stride + s);
          for (let c = 0; c < width; c++)
            doubles[target / 8 + s * width + c]! += value * doubles[u / 8 + r * width + c]!;
        }
      }
    },
  };
}
