import { tileRows } from '../../tiles/kernelMatrix.js';
import type { TileSpan } from '../../tiles/tileSpan.js';

/** A block of consecutive unknowns. */
export interface Block {
  readonly firstRow: number;
  readonly rows: number;
}

/** Blocks whose tiles are streamed together: one block of whole tile rows, or several blocks inside one tile row. */
export interface BlockGroup {
  readonly firstTileRow: number;
  readonly endTileRow: number;
  readonly blocks: readonly Block[];
}

/**
 * Cuts n rows into blocks of at most `largest` rows, nearly equal in size: groups of tile rows where one tile row is
 * not larger, else parts of tile rows.
 */
export function cutBlocks(n: number, tileSize: number, largest: number): BlockGroup[] {
  const rows = tileRows(n, tileSize);
  const groups: BlockGroup[] = [];
  if (largest >= Math.min(n, tileSize)) {
    const most = largest >= n ? rows : Math.floor(largest / tileSize);
    const step = Math.ceil(rows / Math.ceil(rows / most));
    for (let first = 0; first < rows; first += step) {
      const end = Math.min(rows, first + step);
      const firstRow = first * tileSize;
      const block = { firstRow, rows: Math.min(n, end * tileSize) - firstRow };
      groups.push({ firstTileRow: first, endTileRow: end, blocks: [block] });
    }
    return groups;
  }
  const parts = Math.ceil(tileSize / largest);
  const size = Math.ceil(tileSize / parts);
  for (let row = 0; row < rows; row++) {
    const end = Math.min(n, (row + 1) * tileSize);
    const blocks: Block[] = [];
    for (let firstRow = row * tileSize; firstRow < end; firstRow += size)
      blocks.push({ firstRow, rows: Math.min(size, end - firstRow) });
    groups.push({ firstTileRow: row, endTileRow: row + 1, blocks });
  }
  return groups;
}

/** Rows of the largest block. */
export function largestBlock(groups: readonly BlockGroup[]): number {
  return groups.reduce((most, { blocks }) => Math.max(most, ...blocks.map(({ rows }) => rows)), 0);
}

/** Tiles of the lower triangle that hold the blocks of a group. */
export function diagonalSpan({ firstTileRow, endTileRow }: BlockGroup): TileSpan {
  return {
    firstRow: firstTileRow,
    endRow: endTileRow,
    firstColumn: firstTileRow,
    endColumn: endTileRow,
  };
}

/**
 * Tiles that hold what lies left of the blocks, from the first block to the last. With several blocks in one tile row its
 * diagonal tile is the last.
 */
export function spansLeft(groups: readonly BlockGroup[]): TileSpan[] {
  return groups.flatMap(({ firstTileRow, endTileRow, blocks }) => {
    const left = { firstRow: firstTileRow, endRow: endTileRow, firstColumn: 0, endColumn: firstTileRow };
    if (blocks.length === 1) return left;
    return [left, { ...left, endRow: firstTileRow + 1, firstColumn: firstTileRow, endColumn: endTileRow }];
  });
}
