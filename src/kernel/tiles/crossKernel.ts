import { setImmediate } from 'node:timers/promises';
import { dtypeBytes } from '../../arithmetic/dtype.js';
import { alignUp, type Region } from '../../memory/plan.js';
import type { Workspace } from '../../threads/workspace.js';
import type { BlockEvaluator } from '../functions/blockEvaluator.js';
import type { TileDtype } from '../functions/kernelFunction.js';
import { evaluateTile } from './evaluateTile.js';
import { balancedTileSize, tileRows } from './kernelMatrix.js';
import { PackedBlocks, packedBlockRegions } from './packedBlocks.js';
import type { RowSource } from './rowSource.js';
import { LARGEST_TILE, SMALLEST_TILE, TILE_COST } from './tilePlan.js';

export const ROWS = 'cross rows';
export const COLUMNS = 'cross columns';
export const TILE = 'cross tile';

export interface CrossSizes {
  /** Rows of K(A, B). */
  readonly rows: number;
  readonly columns: number;
  readonly rowBytes: number;
  readonly dtype: TileDtype;
  readonly packedBytes: (capacity: number) => number;
}

export interface CrossPlan {
  /** Rows and columns of a block of K(A, B). */
  readonly blockSize: number;
  readonly regions: readonly Region[];
  /** Bytes of the regions, their alignment included. */
  readonly bytes: number;
  /** Packed blocks of columns kept. */
  readonly slots: number;
  /** Stored rows read in one pass, at most. */
  readonly rowsRead: number;
}

function planWith(sizes: CrossSizes, blockSize: number, slots: number): CrossPlan {
  const size = { blockRows: blockSize, rowBytes: sizes.rowBytes, packedBytes: sizes.packedBytes };
  const regions = [
    ...packedBlockRegions(ROWS, size, 1),
    ...packedBlockRegions(COLUMNS, size, slots),
    { name: TILE, bytes: blockSize ** 2 * dtypeBytes[sizes.dtype] },
  ];
  const bytes = regions.reduce((sum, region) => sum + alignUp(region.bytes, 64), 64);
  const blocks = tileRows(sizes.columns, blockSize);
  const missed = slots >= blocks ? 0 : Math.min(sizes.columns, (blocks - slots + 1) * blockSize);
  const rounds = tileRows(sizes.rows, blockSize);
  return { blockSize, slots, regions, bytes, rowsRead: sizes.rows + sizes.columns + (rounds - 1) * missed };
}

/** Block size for at most `bytes` bytes where that is possible, else the smallest that works. Pure. */
export function planCross(sizes: CrossSizes, bytes: number): CrossPlan {
  let best: CrossPlan | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (let size = LARGEST_TILE; size >= SMALLEST_TILE; size = Math.floor(size * 0.9)) {
    size -= size % SMALLEST_TILE;
    const blockSize = balancedTileSize(Math.max(sizes.rows, sizes.columns), size);
    const free = bytes - planWith(sizes, blockSize, 1).bytes;
    if (free < 0) continue;
    const more = Math.floor(free / alignUp(sizes.packedBytes(blockSize), 64));
    const plan = planWith(sizes, blockSize, Math.min(1 + more, tileRows(sizes.columns, blockSize)));
    const blocks = tileRows(sizes.rows, blockSize) * tileRows(sizes.columns, blockSize);
    const cost = plan.rowsRead * sizes.rowBytes + blocks * TILE_COST;
    if (cost < least) [best, least] = [plan, cost];
  }
  return best ?? planWith(sizes, SMALLEST_TILE, 1);
}

/**
 * Rows read in one pass over K(A, B), for plans. Of blocks visited round and round, the best that a cache can do is to find
 * slots − 1 of blocks − 1 (Belady 1966). Within a block or two.
 */
export function crossRowsRead(
  { blockSize, slots }: Pick<CrossPlan, 'blockSize' | 'slots'>,
  rows: number,
  columns: number,
): number {
  const blocks = tileRows(columns, blockSize);
  const rounds = Math.max(0, tileRows(rows, blockSize) - 1);
  const missed = blocks <= slots ? 0 : 1 - (slots - 1) / (blocks - 1);
  return rows + columns + Math.round(rounds * columns * missed);
}

/** A block of K(A, B) in the arena: element (r, c) = k(a_{firstRow + r}, b_{firstColumn + c}), row-major. */
export interface CrossBlock {
  readonly firstRow: number;
  readonly rows: number;
  readonly firstColumn: number;
  readonly columns: number;
  readonly address: number;
  /** Entries from one row to the next. */
  readonly stride: number;
  readonly dtype: TileDtype;
}

export interface CrossKernelOptions {
  readonly workspace: Workspace;
  /** Rows of K(A, B). */
  readonly a: RowSource;
  /** Columns. */
  readonly b: RowSource;
  /** The main thread's, of the same kernel, geometry and dtype as those of the tasks. */
  readonly evaluator: BlockEvaluator;
  readonly rowBytes: number;
  readonly blockSize: number;
  readonly dtype: TileDtype;
}

/**
 * The kernel between two sets of rows on disk, block by block, for prediction and inducing points. The workspace's arena
 * has the regions of `planCross`, its threads have the tasks of the evaluation. Blocks of B stay packed while there is
 * room: when all fit, each row is read once.
 */
export class CrossKernel {
  readonly #workspace: Workspace;
  readonly #a: PackedBlocks;
  readonly #b: PackedBlocks;
  readonly #blockSize: number;
  readonly #dtype: TileDtype;

  constructor({ workspace, a, b, evaluator, rowBytes, blockSize, dtype }: CrossKernelOptions) {
    this.#workspace = workspace;
    this.#a = new PackedBlocks(workspace, ROWS, a, evaluator, rowBytes, blockSize);
    this.#b = new PackedBlocks(workspace, COLUMNS, b, evaluator, rowBytes, blockSize);
    this.#blockSize = blockSize;
    this.#dtype = dtype;
  }

  get bytesRead(): number {
    return this.#a.bytesRead + this.#b.bytesRead;
  }

  /**
   * All blocks: those of the first rows of A over all of B, then the next rows. Each is valid until the next is asked
   * for. One stream at a time. `firstRow`, a multiple of the block size, is where it begins.
   */
  async *blocks(signal?: AbortSignal, firstRow = 0): AsyncGenerator<CrossBlock> {
    const { arena, threads } = this.#workspace;
    const [a, b, capacity] = [this.#a, this.#b, this.#blockSize];
    const target = { address: arena.address(TILE), stride: capacity, dtype: this.#dtype };
    try {
      for (let i = firstRow / capacity; i < a.count; i++) {
        const rows = { address: await a.load(i, -1, []), capacity, rows: a.rowsOf(i) };
        if (i + 1 < a.count) a.expect(i + 1);
        for (let j = 0; j < b.count; j++) {
          const columns = { address: await b.load(j, -1, upcoming(j, b.count)), capacity, rows: b.rowsOf(j) };
          if (j + 1 < b.count) b.expect(j + 1);
          else if (i + 1 < a.count) b.expect(0);
          await setImmediate();
          signal?.throwIfAborted();
          evaluateTile(threads, rows, columns, target);
          const [firstRow, firstColumn] = [i * capacity, j * capacity];
          yield { firstRow, rows: rows.rows, firstColumn, columns: columns.rows, ...target };
        }
      }
    } finally {
      await Promise.all([a.settle(), b.settle()]);
    }
  }
}

/** Blocks of columns after block `j`, round and round. */
function* upcoming(j: number, count: number): Generator<number> {
  for (let i = 1; i < count; i++) yield (j + i) % count;
}
