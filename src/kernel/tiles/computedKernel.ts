import { setImmediate } from 'node:timers/promises';
import { dtypeBytes } from '../../arithmetic/dtype.js';
import { MlmlError } from '../../errors.js';
import type { Workspace } from '../../threads/workspace.js';
import type { BlockEvaluator } from '../functions/blockEvaluator.js';
import type { TileDtype } from '../functions/kernelFunction.js';
import { entriesOf } from '../store/tileEntries.js';
import { LOOKAHEAD } from './blockCache.js';
import { type EntryTarget, evaluateDiagonalTile, evaluateTile, type PackedRows } from './evaluateTile.js';
import { type KernelMatrix, lowerTriangle, type Tile, type TileIndex } from './kernelMatrix.js';
import { PackedBlocks } from './packedBlocks.js';
import type { RowSource } from './rowSource.js';
import type { TileMaker } from './tileMaker.js';
import { TileWindow } from './tileWindow.js';

/** Name of the regions of packed rows; see `planTiles`. */
const KERNEL_ROWS = 'kernel';
export const TILE_REGION = 'computed tile';

export interface ComputedKernelOptions {
  readonly workspace: Workspace;
  readonly source: RowSource;
  /** The main thread's, of the same kernel, geometry and dtype as those of the tasks. */
  readonly evaluator: BlockEvaluator;
  readonly rowBytes: number;
  readonly tileSize: number;
  readonly dtype: TileDtype;
}

/**
 * The kernel matrix of rows on disk, evaluated afresh whenever it is asked for. The workspace's arena has the regions of
 * `planTiles` with one tile slot (`computedKernelRegions`), its threads have the tasks of the evaluation.
 */
export class ComputedKernel implements KernelMatrix, TileMaker {
  readonly n: number;
  readonly tileSize: number;
  readonly dtype: TileDtype;
  readonly stored = false;
  readonly #workspace: Workspace;
  readonly #evaluator: BlockEvaluator;
  readonly #blocks: PackedBlocks;
  #active = false;

  constructor({ workspace, source, evaluator, rowBytes, tileSize, dtype }: ComputedKernelOptions) {
    this.n = source.rows;
    this.tileSize = tileSize;
    this.dtype = dtype;
    this.#workspace = workspace;
    this.#evaluator = evaluator;
    this.#blocks = new PackedBlocks(workspace, KERNEL_ROWS, source, evaluator, rowBytes, tileSize);
  }

  get bytesRead(): number {
    return this.#blocks.bytesRead;
  }

  async *tiles(which?: Iterable<TileIndex>, signal?: AbortSignal): AsyncGenerator<Tile> {
    const address = this.#workspace.arena.address(TILE_REGION);
    yield* this.tilesInto(which ?? lowerTriangle(this.n, this.tileSize), () => address, signal);
  }

  async *tilesInto(
    which: Iterable<TileIndex>,
    place: () => number | Promise<number>,
    signal?: AbortSignal,
  ): AsyncGenerator<Tile> {
    const { threads } = this.#workspace;
    this.#claim();
    try {
      const window = new TileWindow(which, LOOKAHEAD);
      for (let index = window.next(); index !== undefined; index = window.next()) {
        const { row, column } = index;
        const a = await this.#packed(row, column, window);
        const b = row === column ? a : await this.#packed(column, row, window);
        this.#expectNext(window.following);
        const address = await place();
        // Signals, timers and reads get their turn.
        await setImmediate();
        signal?.throwIfAborted();
        const target = { address, stride: this.tileSize, dtype: this.dtype };
        if (a === b) evaluateDiagonalTile(threads, a, target);
        else evaluateTile(threads, a, b, target);
        const [firstRow, firstColumn] = [row * this.tileSize, column * this.tileSize];
        yield { row, column, firstRow, rows: a.rows, firstColumn, columns: b.rows, ...target };
      }
    } finally {
      await this.#release();
    }
  }

  async #packed(block: number, keep: number, window: TileWindow): Promise<PackedRows> {
    const address = await this.#blocks.load(block, keep, window.blocks());
    return { address, capacity: this.tileSize, rows: this.#blocks.rowsOf(block) };
  }

  /** The first block that the next tile lacks is read while this one is worked out. */
  #expectNext(next: TileIndex | undefined): void {
    if (next === undefined) return;
    this.#blocks.expect(this.#blocks.has(next.row) ? next.column : next.row);
  }

  #claim(): void {
    if (this.#active) throw new MlmlError('MLML_INTERNAL', 'tiles are asked for while others are in use');
    this.#active = true;
  }

  async #release(): Promise<void> {
    await this.#blocks.settle();
    this.#active = false;
  }

  async diagonal(target: Float64Array): Promise<void> {
    this.#claim();
    try {
      for await (const { address, first, rows } of this.#allBlocks(-1)) {
        const part = target.subarray(first, first + rows);
        this.#evaluator.diagonal(address, this.tileSize, 0, rows, part);
      }
    } finally {
      await this.#release();
    }
  }

  /** All blocks in order, those that are packed already first; block `keep` stays. */
  async *#allBlocks(keep: number) {
    const order = Array.from({ length: this.#blocks.count }, (_, block) => block);
    order.sort((x, y) => Number(this.#blocks.has(y)) - Number(this.#blocks.has(x)) || x - y);
    for (const [i, block] of order.entries()) {
      const address = await this.#blocks.load(block, keep, order.slice(i + 1));
      if (i + 1 < order.length) this.#blocks.expect(order[i + 1]!);
      yield { address, first: block * this.tileSize, rows: this.#blocks.rowsOf(block) };
    }
  }

  async columns(columns: Uint32Array, address: number, stride: number, signal?: AbortSignal): Promise<void> {
    this.#claim();
    try {
      for (let from = 0; from < columns.length; from += this.tileSize) {
        const chosen = columns.subarray(from, from + this.tileSize);
        await this.#chosenColumns(chosen, address + 4 * from, stride, signal);
      }
    } finally {
      this.#blocks.dropChosen();
      await this.#release();
    }
  }

  /** K[:, chosen] for at most tileSize rows: these stay packed while all others pass by. */
  async #chosenColumns(chosen: Uint32Array, address: number, stride: number, signal?: AbortSignal) {
    const { threads, arena } = this.#workspace;
    const capacity = this.tileSize;
    const b = { address: await this.#blocks.loadChosen(chosen), capacity, rows: chosen.length };
    const tile = { address: arena.address(TILE_REGION), stride: this.tileSize, dtype: this.dtype };
    for await (const block of this.#allBlocks(PackedBlocks.CHOSEN)) {
      await setImmediate();
      signal?.throwIfAborted();
      const a = { address: block.address, capacity, rows: block.rows };
      const target = address + 4 * block.first * stride;
      if (this.dtype === 'float32')
        evaluateTile(threads, a, b, { address: target, stride, dtype: 'float32' });
      else {
        evaluateTile(threads, a, b, tile);
        this.#convert(tile, a.rows, b.rows, target, stride);
      }
    }
  }

  /** Entries of another number type to float32. */
  #convert(tile: EntryTarget, rows: number, columns: number, target: number, stride: number): void {
    const { buffer } = this.#workspace.arena;
    const out = new Float32Array(buffer);
    const entries = entriesOf(buffer, tile.dtype);
    const first = tile.address / dtypeBytes[tile.dtype];
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++)
        out[target / 4 + r * stride + c] = entries.get(first + r * tile.stride + c);
    }
  }
}
