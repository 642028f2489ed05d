import type { TileIndex } from '../tiles/kernelMatrix.js';

/** Where generated tiles go: a stored kernel being written (`KernelWriter`). */
export interface TileSink {
  /** True for tiles that an earlier run has finished. */
  isDone(index: TileIndex): boolean;
  /**
   * Stores the tile lying at `address`, a multiple of 4096: row-major, tileSize entries from one row to the next, with room
   * up to a multiple of 4096 bytes. The memory is the sink's until the promise settles. It may use the threads before
   * it returns its promise, not after.
   */
  writeTile(index: TileIndex, address: number): Promise<void>;
}
