import { dtypeBytes, numberToHalf } from '../../src/arithmetic/dtype.js';
import type { TileDtype } from '../../src/kernel/functions/kernelFunction.js';
import {
  type KernelMatrix,
  lowerTriangle,
  type Tile,
  type TileIndex,
} from '../../src/kernel/tiles/kernelMatrix.js';
import type { Arena } from '../../src/memory/arena.js';
import type { Region } from '../../src/memory/plan.js';

/** Regions of a `DenseKernel`. */
export function denseKernelRegions(tileSize: number, dtype: TileDtype): Region[] {
  return [{ name: 'tile', bytes: tileSize * tileSize * dtypeBytes[dtype] }];
}

/** A kernel matrix given as a function of two row numbers, for tests of solvers: tiles are filled one by one. */
export class DenseKernel implements KernelMatrix {
  readonly n: number;
  readonly tileSize: number;
  readonly dtype: TileDtype;
  readonly stored = false;
  readonly bytesRead = 0;
  /** Tiles handed out, to count passes. */
  tilesServed = 0;
  readonly #arena: Arena;
  readonly #entry: (i: number, j: number) => number;

  constructor(
    arena: Arena,
    n: number,
    tileSize: number,
    entry: (i: number, j: number) => number,
    dtype: TileDtype = 'float64',
  ) {
    this.#arena = arena;
    this.n = n;
    this.tileSize = tileSize;
    this.dtype = dtype;
    this.#entry = entry;
  }

  async *tiles(which?: Iterable<TileIndex>, signal?: AbortSignal): AsyncGenerator<Tile> {
    const { n, tileSize: size, dtype } = this;
    const view = {
      float16: () => new Uint16Array(this.#arena.buffer, this.#arena.address('tile'), size * size),
      float32: () => new Float32Array(this.#arena.buffer, this.#arena.address('tile'), size * size),
      float64: () => new Float64Array(this.#arena.buffer, this.#arena.address('tile'), size * size),
    }[dtype]();
    for (const { row, column } of which ?? lowerTriangle(n, size)) {
      await Promise.resolve();
      signal?.throwIfAborted();
      const [firstRow, firstColumn] = [row * size, column * size];
      const rows = Math.min(size, n - firstRow);
      const columns = Math.min(size, n - firstColumn);
      for (let r = 0; r < rows; r++) {
        for (let c = 0; c < columns; c++) {
          const value = this.#entry(firstRow + r, firstColumn + c);
          view[r * size + c] = dtype === 'float16' ? numberToHalf(value) : value;
        }
      }
      this.tilesServed++;
      const address = this.#arena.address('tile');
      yield { row, column, firstRow, rows, firstColumn, columns, address, stride: size, dtype };
    }
  }

  async diagonal(target: Float64Array): Promise<void> {
    for (let i = 0; i < this.n; i++) target[i] = this.#entry(i, i);
  }

  async columns(columns: Uint32Array, address: number, stride: number): Promise<void> {
    const floats = new Float32Array(this.#arena.buffer, address, this.n * stride);
    for (let i = 0; i < this.n; i++)
      for (let c = 0; c < columns.length; c++) floats[i * stride + c] = this.#entry(i, columns[c]!);
  }
}
