import type { TileDtype } from '../functions/kernelFunction.js';
import type { StoredKernelMatrix } from '../store/storedKernelMatrix.js';
import type { ComputedKernel } from './computedKernel.js';
import type { KernelMatrix, Tile, TileIndex } from './kernelMatrix.js';

/**
 * A stored kernel whose rows are at hand: tiles come from disk, single columns and the diagonal from the rows, since
 * picking columns out of tiles would read all of them.
 */
export class RowsAndTiles implements KernelMatrix {
  readonly n: number;
  readonly tileSize: number;
  readonly dtype: TileDtype;
  readonly stored = true;
  readonly #tiles: StoredKernelMatrix;
  readonly #rows: ComputedKernel;

  constructor(tiles: StoredKernelMatrix, rows: ComputedKernel) {
    this.#tiles = tiles;
    this.#rows = rows;
    this.n = tiles.n;
    this.tileSize = tiles.tileSize;
    this.dtype = tiles.dtype;
  }

  get bytesRead(): number {
    return this.#tiles.bytesRead + this.#rows.bytesRead;
  }

  tiles(which?: Iterable<TileIndex>, signal?: AbortSignal): AsyncGenerator<Tile> {
    return this.#tiles.tiles(which, signal);
  }

  async diagonal(target: Float64Array): Promise<void> {
    await this.#rows.diagonal(target);
  }

  async columns(columns: Uint32Array, address: number, stride: number, signal?: AbortSignal): Promise<void> {
    await this.#rows.columns(columns, address, stride, signal);
  }
}
