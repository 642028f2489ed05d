import { dtypeBytes } from '../../arithmetic/dtype.js';
import { tileDtypeCodes } from '../../arithmetic/tileProduct.js';
import type { Threads } from '../../threads/threads.js';
import type { KernelMatrix, Tile } from './kernelMatrix.js';

/**
 * In what products and sums of up to 64 of them are worked out; all sums beyond are doubles. `float32` takes half the time,
 * and errs by up to 66·2⁻²⁴ times the sum of the sizes of an element's products. Tiles of float64 are always multiplied in
 * `float64`; for `float32` entries must be below 2⁶⁰ in size.
 */
export type ProductPrecision = 'float32' | 'float64';

/** Rows (or columns) of a tile that one call works on. Results do not depend on it. */
const STRIP: Readonly<Record<ProductPrecision, number>> = { float32: 256, float64: 128 };
/** Appended to the names of tasks. */
const SUFFIX: Readonly<Record<ProductPrecision, string>> = { float32: '32', float64: '' };

/**
 * target[tile's rows] += tile · v[tile's columns], in strips over all threads. `v` and `target` are addresses of whole
 * blocks of vectors [n][width]. The sums do not depend on the number of threads.
 */
export function addTimesTile(
  threads: Threads,
  tile: Tile,
  v: number,
  width: number,
  target: number,
  precision: ProductPrecision = 'float64',
): void {
  const strip = STRIP[precision];
  const code = tileDtypeCodes.indexOf(tile.dtype);
  const rowBytes = tile.stride * dtypeBytes[tile.dtype];
  for (let r = 0; r < tile.rows; r += strip) {
    const rows = Math.min(strip, tile.rows - r);
    threads.add(
      `addTileProduct${SUFFIX[precision]}`,
      tile.address + r * rowBytes,
      code,
      tile.stride,
      rows,
      tile.columns,
      v + tile.firstColumn * width * 8,
      width,
      target + (tile.firstRow + r) * width * 8,
    );
  }
}

/** target[tile's columns] += tileᵀ · v[tile's rows]. */
export function addTimesTransposedTile(
  threads: Threads,
  tile: Tile,
  v: number,
  width: number,
  target: number,
  precision: ProductPrecision = 'float64',
): void {
  const strip = STRIP[precision];
  const code = tileDtypeCodes.indexOf(tile.dtype);
  const bytes = dtypeBytes[tile.dtype];
  for (let c = 0; c < tile.columns; c += strip) {
    const columns = Math.min(strip, tile.columns - c);
    threads.add(
      `addTransposedTileProduct${SUFFIX[precision]}`,
      tile.address + c * bytes,
      code,
      tile.stride,
      tile.rows,
      columns,
      v + tile.firstRow * width * 8,
      width,
      target + (tile.firstColumn + c) * width * 8,
    );
  }
}

/**
 * target += K·v for blocks of vectors [n][width] at addresses `v` and `target`: one pass over the lower triangle, each
 * tile used for both halves.
 */
export async function addKernelProduct(
  matrix: KernelMatrix,
  threads: Threads,
  v: number,
  width: number,
  target: number,
  options: {
    readonly signal?: AbortSignal;
    readonly onTile?: (tile: Tile) => void;
    /** Default float64. */
    readonly precision?: ProductPrecision;
  } = {},
): Promise<void> {
  for await (const tile of matrix.tiles(undefined, options.signal)) {
    addTimesTile(threads, tile, v, width, target, options.precision);
    if (tile.row !== tile.column) addTimesTransposedTile(threads, tile, v, width, target, options.precision);
    threads.run();
    options.onTile?.(tile);
  }
}
