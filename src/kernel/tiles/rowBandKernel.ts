import { setImmediate } from 'node:timers/promises';
import { dtypeBytes } from '../../arithmetic/dtype.js';
import { MlmlError } from '../../errors.js';
import type { Workspace } from '../../threads/workspace.js';
import type { BlockEvaluator } from '../functions/blockEvaluator.js';
import type { TileDtype } from '../functions/kernelFunction.js';
import { addNarrowBlock, type EntryTarget, evaluateDiagonalTile, type PackedRows } from './evaluateTile.js';
import type { Tile, TileIndex } from './kernelMatrix.js';
import {
  BAND_COLUMNS,
  BAND_ROWS,
  BAND_STAGE,
  COLUMN_BLOCKS,
  columnBlockBytes,
  stageRows,
} from './rowBandPlan.js';
import type { ImmediateRowSource } from './rowSource.js';
import type { TileMaker } from './tileMaker.js';
import { TileWindow } from './tileWindow.js';

export interface RowBandOptions {
  readonly workspace: Workspace;
  readonly source: ImmediateRowSource;
  /** The main thread's, of the same kernel, geometry and dtype as those of the tasks. */
  readonly evaluator: BlockEvaluator;
  readonly rowBytes: number;
  readonly tileSize: number;
  /** Of the plan. */
  readonly width: number;
  readonly dtype: TileDtype;
}

/**
 * Tiles of the kernel matrix of rows on disk: the rows of one tile row stay packed, while the rows of the columns pass by in
 * blocks so narrow that they stay in a second-level cache. The main thread reads and packs the next block, then helps the
 * others with the present one. It reads without promises: the rows come one after the other, mostly out of the page cache or read
 * ahead into it, in pieces too small for a detour through other threads. The workspace's arena has the regions of `planRowBand`.
 */
export class RowBandKernel implements TileMaker {
  readonly n: number;
  readonly tileSize: number;
  readonly dtype: TileDtype;
  bytesRead = 0;
  readonly #options: RowBandOptions;
  readonly #stage: Uint8Array;
  readonly #stageAddress: number;
  readonly #stageRows: number;
  readonly #band: number;
  readonly #columns: number;
  readonly #columnBytes: number;
  /** Tile row that is packed, or -1. */
  #bandRow = -1;
  /** First row of each packed block of columns, or -1. */
  readonly #first = new Array<number>(COLUMN_BLOCKS).fill(-1);
  #active = false;

  constructor(options: RowBandOptions) {
    const { workspace, source, evaluator, rowBytes, tileSize, width, dtype } = options;
    const { arena } = workspace;
    this.n = source.rows;
    this.tileSize = tileSize;
    this.dtype = dtype;
    this.#options = options;
    this.#stage = arena.uint8(BAND_STAGE);
    this.#stageAddress = arena.address(BAND_STAGE);
    this.#stageRows = stageRows(rowBytes, width);
    this.#band = arena.address(BAND_ROWS);
    this.#columns = arena.address(BAND_COLUMNS);
    this.#columnBytes = columnBlockBytes((capacity) => evaluator.packedBytes(capacity), width);
  }

  async *tilesInto(
    which: Iterable<TileIndex>,
    place: () => number | Promise<number>,
    signal?: AbortSignal,
  ): AsyncGenerator<Tile> {
    if (this.#active) throw new MlmlError('MLML_INTERNAL', 'tiles are asked for while others are in use');
    this.#active = true;
    try {
      const window = new TileWindow(which, 2);
      for (let index = window.next(); index !== undefined; index = window.next()) {
        const address = await place();
        // Signals, timers and writes get their turn.
        await setImmediate();
        signal?.throwIfAborted();
        const { row, column } = index;
        const target = { address, stride: this.tileSize, dtype: this.dtype };
        const a = this.#rowsOf(row);
        const following = window.following;
        // The columns of a tile on the diagonal are in the band already.
        const next =
          following === undefined || following.row === following.column
            ? -1
            : following.column * this.tileSize;
        if (row === column)
          evaluateDiagonalTile(this.#options.workspace.threads, a, target, () => this.#expect(next, -1));
        else this.#evaluate(a, column, target, next);
        const [firstRow, firstColumn] = [row * this.tileSize, column * this.tileSize];
        yield { row, column, firstRow, rows: a.rows, firstColumn, columns: this.#sizeOf(column), ...target };
      }
    } finally {
      this.#active = false;
    }
  }

  /** Rows of a tile row, or columns of a tile column. */
  #sizeOf(block: number): number {
    return Math.min(this.tileSize, this.n - block * this.tileSize);
  }

  /** The packed rows of a tile row. */
  #rowsOf(row: number): PackedRows {
    const rows = this.#sizeOf(row);
    if (this.#bandRow !== row) {
      this.#bandRow = -1;
      this.#pack(row * this.tileSize, rows, this.#band, this.tileSize);
      this.#bandRow = row;
    }
    return { address: this.#band, capacity: this.tileSize, rows };
  }

  /** A tile off the diagonal, its columns one block after the other; `next`: row that comes after them, or -1. */
  #evaluate(a: PackedRows, column: number, { address, stride, dtype }: EntryTarget, next: number): void {
    const { workspace, width } = this.#options;
    const start = column * this.tileSize;
    const columns = this.#sizeOf(column);
    for (let c = 0; c < columns; c += width) {
      const block = this.#expect(start + c, -1);
      const rows = Math.min(width, columns - c);
      const b = { address: this.#columns + block * this.#columnBytes, capacity: width, rows };
      addNarrowBlock(workspace.threads, a, b, { address: address + c * dtypeBytes[dtype], stride, dtype });
      workspace.threads.run(() => this.#expect(c + width < columns ? start + c + width : next, block));
    }
  }

  /** Which block holds the columns from row `first`; they are read and packed when none does, but not into block `keep`. */
  #expect(first: number, keep: number): number {
    if (first < 0) return -1;
    const found = this.#first.indexOf(first);
    if (found >= 0) return found;
    const { width } = this.#options;
    const block = keep === 0 ? 1 : 0;
    this.#first[block] = -1;
    const inTile = this.tileSize - (first % this.tileSize);
    const count = Math.min(width, inTile, this.n - first);
    this.#pack(first, count, this.#columns + block * this.#columnBytes, width);
    this.#first[block] = first;
    return block;
  }

  /** Reads and packs rows into the block at `target`, as many at a time as the stage holds. */
  #pack(first: number, count: number, target: number, capacity: number): void {
    const { source, evaluator, rowBytes } = this.#options;
    for (let r = 0; r < count; r += this.#stageRows) {
      const rows = Math.min(this.#stageRows, count - r);
      source.readRowsNow(this.#stage, first + r, rows);
      evaluator.pack(this.#stageAddress, rows, target, capacity, r);
      this.bytesRead += rows * rowBytes;
    }
  }
}
