import type { RowFolds } from '../../data/rowFolds.js';
import type { ScannedBlock } from '../../data/scanRows.js';
import type { Arena } from '../../memory/arena.js';
import type { Region } from '../../memory/plan.js';

/** Folds, or parts that some of them make together. */
export type RowParts = Pick<RowFolds, 'folds' | 'foldOf'>;

/** Some folds in a row, counted from 0, and one part of all rows that are in others. */
export class FoldWindow implements RowParts {
  readonly folds: number;
  readonly #all: RowParts;
  readonly #first: number;

  constructor(all: RowParts, first: number, count: number) {
    this.folds = count + 1;
    this.#all = all;
    this.#first = first;
  }

  foldOf(row: number): number {
    const others = this.folds - 1;
    const fold = this.#all.foldOf(row) - this.#first;
    return fold >= 0 && fold < others ? fold : others;
  }
}

/** Rows that lie together: all of a block, or those of it that are in one fold. */
export interface RowGroup {
  /** Address of the first. */
  readonly base: number;
  readonly count: number;
  /** 0 where there are no folds. */
  readonly fold: number;
  /** Number of the first row of the block. */
  readonly firstRow: number;
  /** Where each row stands in the block; undefined: in order. */
  readonly places?: Uint32Array;
  /** It is the last of its block. */
  readonly last: boolean;
}

/** Number of row r of a group in its file. */
export function rowNumber({ firstRow, places }: Pick<RowGroup, 'firstRow' | 'places'>, r: number): number {
  return firstRow + (places === undefined ? r : places[r]!);
}

export function foldGroupRegions(folds: number, rowBytes: number, blockRows: number): Region[] {
  if (folds === 0) return [];
  return [
    { name: 'fold rows', bytes: blockRows * rowBytes },
    { name: 'fold places', bytes: 4 * blockRows },
  ];
}

/** Brings the rows of a block together by fold, in their order. Lies in an arena that holds `foldGroupRegions`. */
export class FoldGroups {
  readonly #arena: Arena;
  readonly #rowBytes: number;
  readonly #folds: RowParts;
  /** Of each fold, the rows of the block in it, then where its next one goes. */
  readonly #next: Uint32Array;

  constructor(arena: Arena, rowBytes: number, folds: RowParts) {
    this.#arena = arena;
    this.#rowBytes = rowBytes;
    this.#folds = folds;
    this.#next = new Uint32Array(folds.folds);
  }

  /** A group for each fold that has rows in the block. Valid until the next block. */
  groupsOf({ base, to, firstRow }: ScannedBlock): RowGroup[] {
    const rowBytes = this.#rowBytes;
    const memory = new Uint8Array(this.#arena.buffer);
    const target = this.#arena.address('fold rows');
    const places = this.#arena.uint32('fold places');
    const groups: RowGroup[] = [];
    const next = this.#next.fill(0);
    // Rows in their order: folds of rows in a row are found together.
    for (let place = 0; place < to; place++) next[this.#folds.foldOf(firstRow + place)]!++;
    let placed = 0;
    for (let fold = 0; fold < next.length; fold++) {
      const count = next[fold]!;
      next[fold] = placed;
      if (count === 0) continue;
      groups.push({
        base: target + placed * rowBytes,
        count,
        fold,
        firstRow,
        places: places.subarray(placed, placed + count),
        last: placed + count === to,
      });
      placed += count;
    }
    for (let place = 0; place < to; place++) {
      const at = next[this.#folds.foldOf(firstRow + place)]!++;
      const row = base + place * rowBytes;
      memory.copyWithin(target + at * rowBytes, row, row + rowBytes);
      places[at] = place;
    }
    return groups;
  }
}

/** The groups of a block: one for each fold, or without folds all of it. */
export function groupsOf(block: ScannedBlock, groups: FoldGroups | undefined): readonly RowGroup[] {
  if (groups !== undefined) return groups.groupsOf(block);
  const { base, to: count, firstRow } = block;
  return [{ base, count, fold: 0, firstRow, last: true }];
}
