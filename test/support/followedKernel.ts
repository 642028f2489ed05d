import type { KernelUse, TileOrder } from '../../src/kernel/solvers/kernelUse.js';
import { type MatrixShape, slotBytes } from '../../src/kernel/store/tileLayout.js';
import { lowerTriangle, type TileIndex, tileNumber } from '../../src/kernel/tiles/kernelMatrix.js';
import { tilesOfSpans, tilesOfSpansBack, triangleSpan } from '../../src/kernel/tiles/tileSpan.js';

/**
 * A stored kernel of which every tile of every round is followed: what `CountedKernel` counts quickly. Tiles with a number
 * below `cached` stay in memory once they were read.
 */
export class FollowedKernel implements KernelUse {
  readonly stored = true;
  readonly triangle: TileOrder;
  bytesRead = 0;
  readonly #shape: MatrixShape;
  readonly #cached: number;
  readonly #there = new Set<number>();

  constructor(shape: MatrixShape, cached: number) {
    this.#shape = shape;
    this.#cached = cached;
    this.triangle = { spans: [triangleSpan(Math.ceil(shape.rows / shape.tileSize))] };
  }

  tiles(orders: readonly TileOrder[], times: number): void {
    for (let round = 0; round < times; round++)
      for (const { spans, back } of orders)
        this.#follow(back ? tilesOfSpansBack(spans) : tilesOfSpans(spans));
  }

  #follow(tiles: Iterable<TileIndex>): void {
    for (const index of tiles) {
      const number = tileNumber(index);
      if (!this.#there.has(number)) this.bytesRead += slotBytes(this.#shape);
      if (number < this.#cached) this.#there.add(number);
    }
  }

  diagonal(): void {
    this.#follow(
      [...lowerTriangle(this.#shape.rows, this.#shape.tileSize)].filter((t) => t.row === t.column),
    );
  }

  columns(): void {
    this.#follow(lowerTriangle(this.#shape.rows, this.#shape.tileSize));
  }
}
