import { tileDtypeCodes } from '../../arithmetic/tileProduct.js';
import type { Threads } from '../../threads/threads.js';
import type { TileDtype } from '../functions/kernelFunction.js';
import type { KernelMatrix, Tile } from './kernelMatrix.js';

/** Rows (or columns) of a tile that one call works on. */
const STRIP = 128;
const entryBytes: Readonly<Record<TileDtype, number>> = { float16: 2, float32: 4, float64: 8 };

/**
 * target[tile's rows] += tile · v[tile's columns], in strips over all threads. `v` and `target` are addresses of whole
 * blocks of vectors [n][width]. The sums do not depend on the number of threads.
 */
export function addTimesTile(threads: Threads, tile: Tile, v: number, width: number, target: number): void {
  const code = tileDtypeCodes.indexOf(tile.dtype);
  const rowBytes = tile.stride * entryBytes[tile.dtype];
  for (let r = 0; r < tile.rows; r += STRIP) {
    const rows = Math.min(STRIP, tile.rows - r);
    threads.add(
      'addTileProduct',
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
): void {
  const code = tileDtypeCodes.indexOf(tile.dtype);
  const bytes = entryBytes[tile.dtype];
  for (let c = 0; c < tile.columns; c += STRIP) {
    const columns = Math.min(STRIP, tile.columns - c);
    threads.add(
      'addTransposedTileProduct',
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
  options: { readonly signal?: AbortSignal; readonly onTile?: (tile: Tile) => void } = {},
): Promise<void> {
  for await (const tile of matrix.tiles(undefined, options.signal)) {
    addTimesTile(threads, tile, v, width, target);
    if (tile.row !== tile.column) addTimesTransposedTile(threads, tile, v, width, target);
    threads.run();
    options.onTile?.(tile);
  }
}
