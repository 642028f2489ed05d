import { type MatrixShape, slotBytes } from '../store/tileLayout.js';
import { BlockCache, LOOKAHEAD } from '../tiles/blockCache.js';
import { rowOfTile, tileCount, tileNumber, tileRows } from '../tiles/kernelMatrix.js';
import { PackedBlocks } from '../tiles/packedBlocks.js';
import {
  lengthAmongFirst,
  spanLength,
  spansLength,
  type TileSpan,
  tilesOfSpans,
  tilesOfSpansBack,
  triangleSpan,
} from '../tiles/tileSpan.js';
import { TileWindow } from '../tiles/tileWindow.js';
import type { KernelUse, TileOrder } from './kernelUse.js';

/** Orders of more tiles are counted as a share of a whole pass: following them would take longer than is worth it. */
const MOST_FOLLOWED = 50_000;
/** Rounds of computed tiles followed one by one before the last stands for the rest. */
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
 * The bytes that streams of a kernel read. For computed tiles they are found by going through the same blocks as
 * `ComputedKernel` does. Of stored ones those that stay in memory are read once, all others whenever they are asked for, in
 * any order: they are counted by spans, for a kernel has up to billions of them. Rows: tiles are computed, or columns and the
 * diagonal beside stored tiles. Pure.
 */
export class CountedKernel implements KernelUse {
  bytesRead = 0;
  readonly triangle: TileOrder;
  readonly #rows: CountedRows | undefined;
  readonly #tiles: CountedTiles | undefined;
  readonly #cache: BlockCache;
  /** Of the tiles that stay in memory: those read already, and how many are not. */
  readonly #loaded: Uint8Array;
  #missing: number;

  constructor(rows: CountedRows | undefined, tiles: CountedTiles | undefined) {
    this.#rows = rows;
    this.#tiles = tiles;
    this.#cache = new BlockCache(rows?.slots ?? 2);
    this.#missing = tiles?.cached ?? 0;
    this.#loaded = new Uint8Array(this.#missing);
    const [n, tileSize] =
      tiles === undefined ? [rows!.n, rows!.tileSize] : [tiles.shape.rows, tiles.shape.tileSize];
    this.triangle = { spans: [triangleSpan(tileRows(n, tileSize))] };
  }

  get stored(): boolean {
    return this.#tiles !== undefined;
  }

  tiles(orders: readonly TileOrder[], times: number): void {
    if (this.#tiles !== undefined) {
      // After the first round everything that stays in memory is there.
      const read = (rounds: number) => {
        for (const { spans } of orders) this.#readTiles(spans, rounds);
      };
      if (times > 0) read(1);
      if (times > 1) read(times - 1);
      return;
    }
    let before = -1;
    for (let round = 0; round < times; round++) {
      const start = this.bytesRead;
      for (const order of orders) this.#streamRows(order, this.#rows!);
      const read = this.bytesRead - start;
      if (read === before || round + 1 === MOST_ROUNDS) {
        this.bytesRead += (times - round - 1) * read;
        return;
      }
      before = read;
    }
  }

  /** Reads stored tiles so many times; in all but the first those that stay in memory must have been read. */
  #readTiles(spans: readonly TileSpan[], times: number): void {
    const { shape, cached } = this.#tiles!;
    let read = 0;
    for (const span of spans) {
      read += (spanLength(span) - lengthAmongFirst(span, cached)) * times;
      if (this.#missing > 0) read += this.#keep(span);
    }
    this.bytesRead += read * slotBytes(shape);
  }

  /** Notes that the tiles of a span which stay in memory are there, and says how many were not. */
  #keep(span: TileSpan): number {
    const before = this.#missing;
    const cached = this.#loaded.length;
    for (const index of tilesOfSpans([{ ...span, endRow: Math.min(span.endRow, rowOfTile(cached) + 1) }])) {
      const tile = tileNumber(index);
      if (tile >= cached) break;
      this.#missing -= 1 - this.#loaded[tile]!;
      this.#loaded[tile] = 1;
    }
    return before - this.#missing;
  }

  #streamRows({ spans, back }: TileOrder, { n, tileSize, rowsRead, rowBytes }: CountedRows): void {
    const all = tileCount(n, tileSize);
    if (all > MOST_FOLLOWED) {
      this.bytesRead += Math.round((rowsRead * rowBytes * spansLength(spans)) / all);
      return;
    }
    const order = back === true ? tilesOfSpansBack(spans) : tilesOfSpans(spans);
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
    const blocks = Array.from({ length: tileRows(n, tileSize) }, (_, block) => block);
    const there = blocks.map((block) => this.#cache.find(block) >= 0);
    const order = [...blocks.filter((block) => there[block]), ...blocks.filter((block) => !there[block])];
    for (const [i, block] of order.entries()) this.#load(block, keep, following(order, i));
  }

  diagonal(): void {
    if (this.#rows !== undefined) this.#allBlocks(-1);
    else this.#readTiles(diagonalOf(this.#tiles!.shape), 1);
  }

  columns(count: number): void {
    if (this.#rows === undefined) {
      // Of so many columns drawn at random, nearly every tile holds one.
      this.#readTiles(this.triangle.spans, 1);
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

/** The blocks after one, as far as a cache looks ahead. */
function* following(order: readonly number[], place: number): Generator<number> {
  for (let i = place + 1; i < Math.min(order.length, place + 1 + LOOKAHEAD); i++) yield order[i]!;
}

function diagonalOf({ rows, tileSize }: MatrixShape): TileSpan[] {
  return Array.from({ length: tileRows(rows, tileSize) }, (_, row) => ({
    firstRow: row,
    endRow: row + 1,
    firstColumn: row,
    endColumn: row + 1,
  }));
}
