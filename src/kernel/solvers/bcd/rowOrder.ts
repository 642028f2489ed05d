import type { Block } from './blocks.js';

/**
 * Order of the unknowns inside each block: rows that are kept before rows held out, so that the leading part of a
 * block's factor is the factor of the system that is solved, and the rows behind it give the scores of held-out rows.
 */
export class RowOrder {
  readonly #order: Uint32Array;
  /** Place in its block of each row. */
  readonly #places: Uint32Array;
  readonly #heldOut: Uint8Array | undefined;

  /** `order` and `places` have n elements. */
  constructor(
    blocks: Iterable<Block>,
    heldOut: Uint8Array | undefined,
    order: Uint32Array,
    places: Uint32Array,
  ) {
    this.#order = order;
    this.#places = places;
    this.#heldOut = heldOut;
    for (const { firstRow, rows } of blocks) {
      let next = firstRow;
      for (const wanted of [false, true]) {
        for (let i = firstRow; i < firstRow + rows; i++) if (this.isHeldOut(i) === wanted) order[next++] = i;
      }
      for (let place = 0; place < rows; place++) places[order[firstRow + place]!] = place;
    }
  }

  isHeldOut(row: number): boolean {
    return this.#heldOut !== undefined && this.#heldOut[row] === 1;
  }

  /** Rows of a block that are not held out. */
  kept({ firstRow, rows }: Block): number {
    if (this.#heldOut === undefined) return rows;
    let kept = 0;
    for (let i = firstRow; i < firstRow + rows; i++) kept += 1 - this.#heldOut[i]!;
    return kept;
  }

  placeOf(row: number): number {
    return this.#places[row]!;
  }

  /** target[place] = source[row] for the first `count` places of a block; rows of `width` doubles. */
  gather(block: Block, count: number, source: Float64Array, target: Float64Array, width: number): void {
    for (let place = 0; place < count; place++) {
      const from = this.#order[block.firstRow + place]! * width;
      const to = place * width;
      for (let c = 0; c < width; c++) target[to + c] = source[from + c]!;
    }
  }

  /** target[row] = source[place] for the first `count` places, 0 for the others. */
  scatter(block: Block, count: number, source: Float64Array, target: Float64Array, width: number): void {
    for (let place = 0; place < block.rows; place++) {
      const to = this.#order[block.firstRow + place]! * width;
      const from = place * width;
      for (let c = 0; c < width; c++) target[to + c] = place < count ? source[from + c]! : 0;
    }
  }

  /** target[row] += source[place] for all rows of a block. */
  scatterAdd(block: Block, source: Float64Array, target: Float64Array, width: number): void {
    for (let place = 0; place < block.rows; place++) {
      const to = this.#order[block.firstRow + place]! * width;
      const from = place * width;
      for (let c = 0; c < width; c++) target[to + c]! += source[from + c]!;
    }
  }
}
