import { type MatrixShape, slotBytes } from '../store/tileLayout.js';
import { BlockCache, LOOKAHEAD } from '../tiles/blockCache.js';
import { lowerTriangle, type TileIndex, tileCount, tileNumber, tileRows } from '../tiles/kernelMatrix.js';
import { PackedBlocks } from '../tiles/packedBlocks.js';
import { TileWindow } from '../tiles/tileWindow.js';
import type { KernelUse, TileOrder } from './kernelUse.js';

/** Orders of more tiles are counted as a share of a whole pass: following them would take longer than is worth it. */
const MOST_FOLLOWED = 50_000;
/** Rounds followed one by one before the last stands for the rest. */
const MOST_ROUNDS = 4;

export interface CountedRows {
  readonly n: number;
  readonly rowBytes: number;
  readonly tileSize: number;
  /** Packed blocks kept. */
  readonly slots: number;
  /** Rows read at most in a pass over the lower triangle. */
  readonly rowsRead: number;
}

export interface CountedTiles {
  readonly shape: MatrixShape;
  /** Tiles that stay in memory once they were read: the first of the file. */
  readonly cached: number;
}

/**
 * The bytes that streams of a kernel read, found by going through the same blocks and tiles as `ComputedKernel` and the
 * stored one do. Rows: tiles are computed, or columns and the diagonal beside stored tiles. Pure.
 */
export class CountedKernel implements KernelUse {
  bytesRead = 0;
  readonly triangle: TileOrder;
  readonly #rows: CountedRows | undefined;
  readonly #tiles: CountedTiles | undefined;
  readonly #cache: BlockCache;
  readonly #loaded: Uint8Array;

  constructor(rows: CountedRows | undefined, tiles: CountedTiles | undefined) {
    this.#rows = rows;
    this.#tiles = tiles;
    this.#cache = new BlockCache(rows?.slots ?? 2);
    this.#loaded = new Uint8Array(tiles?.cached ?? 0);
    const [n, tileSize] =
      tiles === undefined ? [rows!.n, rows!.tileSize] : [tiles.shape.rows, tiles.shape.tileSize];
    this.triangle = () => lowerTriangle(n, tileSize);
  }

  get stored(): boolean {
    return this.#tiles !== undefined;
  }

  tiles(orders: readonly TileOrder[], times: number): void {
    let before = -1;
    for (let round = 0; round < times; round++) {
      const start = this.bytesRead;
      for (const order of orders) this.#stream(order());
      const read = this.bytesRead - start;
      if (read === before || round + 1 === MOST_ROUNDS) {
        this.bytesRead += (times - round - 1) * read;
        return;
      }
      before = read;
    }
  }

  #stream(order: Iterable<TileIndex>): void {
    if (this.#tiles === undefined) this.#streamRows(order, this.#rows!);
    else this.#streamTiles(order, this.#tiles);
  }

  #streamTiles(order: Iterable<TileIndex>, { shape, cached }: CountedTiles): void {
    let read = 0;
    for (const index of order) {
      const tile = tileNumber(index);
      if (tile < cached) {
        if (this.#loaded[tile] === 1) continue;
        this.#loaded[tile] = 1;
      }
      read++;
    }
    this.bytesRead += read * slotBytes(shape);
  }

  #streamRows(order: Iterable<TileIndex>, { n, tileSize, rowsRead, rowBytes }: CountedRows): void {
    const all = tileCount(n, tileSize);
    if (all > MOST_FOLLOWED) {
      let length = 0;
      for (const _ of order) length++;
      this.bytesRead += Math.round((rowsRead * rowBytes * length) / all);
      return;
    }
    const window = new TileWindow(order, LOOKAHEAD);
    for (let index = window.next(); index !== undefined; index = window.next()) {
      const { row, column } = index;
      this.#load(row, column, window.blocks());
      if (row !== column) this.#load(column, row, window.blocks());
    }
  }

  #load(block: number, keep: number, upcoming: Iterable<number>): void {
    let slot = this.#cache.find(block);
    if (slot < 0) {
      const { n, tileSize, rowBytes } = this.#rows!;
      this.bytesRead += Math.min(tileSize, n - block * tileSize) * rowBytes;
      slot = this.#cache.place(block, keep, upcoming);
    }
    this.#cache.use(slot);
  }

  #allBlocks(keep: number): void {
    const { n, tileSize } = this.#rows!;
    const order = Array.from({ length: tileRows(n, tileSize) }, (_, block) => block);
    order.sort((x, y) => Number(this.#cache.find(y) >= 0) - Number(this.#cache.find(x) >= 0) || x - y);
    for (const [i, block] of order.entries()) this.#load(block, keep, order.slice(i + 1, i + 1 + LOOKAHEAD));
  }

  diagonal(): void {
    if (this.#rows !== undefined) this.#allBlocks(-1);
    else this.#streamTiles(diagonalOf(this.#tiles!.shape), this.#tiles!);
  }

  columns(count: number): void {
    if (this.#rows === undefined) {
      // Of so many columns drawn at random, nearly every tile holds one.
      this.#streamTiles(this.triangle(), this.#tiles!);
      return;
    }
    const { tileSize, rowBytes } = this.#rows;
    for (let from = 0; from < count; from += tileSize) {
      this.bytesRead += Math.min(tileSize, count - from) * rowBytes;
      this.#dropChosen();
      this.#cache.place(PackedBlocks.CHOSEN, PackedBlocks.CHOSEN, []);
      this.#allBlocks(PackedBlocks.CHOSEN);
    }
    this.#dropChosen();
  }

  #dropChosen(): void {
    const chosen = this.#cache.find(PackedBlocks.CHOSEN);
    if (chosen >= 0) this.#cache.drop(chosen);
  }
}

function* diagonalOf({ rows, tileSize }: MatrixShape): Generator<TileIndex> {
  for (let row = 0; row * tileSize < rows; row++) yield { row, column: row };
}
