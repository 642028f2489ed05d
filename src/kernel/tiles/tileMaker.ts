import type { TileDtype } from '../functions/kernelFunction.js';
import type { Tile, TileIndex } from './kernelMatrix.js';

/** Works out tiles of a kernel matrix where they are wanted: `ComputedKernel` or `RowBandKernel`. One stream at a time. */
export interface TileMaker {
  readonly n: number;
  readonly tileSize: number;
  readonly dtype: TileDtype;
  /** So far. */
  readonly bytesRead: number;
  /**
   * The tiles asked for, each made at the address that `place` gives when its turn comes: room for tileSize² entries.
   */
  tilesInto(
    which: Iterable<TileIndex>,
    place: () => number | Promise<number>,
    signal?: AbortSignal,
  ): AsyncGenerator<Tile>;
}
