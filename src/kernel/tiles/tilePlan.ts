import { dtypeBytes } from '../../arithmetic/dtype.js';
import { alignUp, type Region } from '../../memory/plan.js';
import type { TileDtype } from '../functions/kernelFunction.js';
import { balancedTileSize, tileRows } from './kernelMatrix.js';
import { type BlockSize, packedBlockRegions } from './packedBlocks.js';

/** Larger tiles gain nothing: the rows of two blocks are then read faster than their tile is worked out. */
export const LARGEST_TILE = 1024;
export const SMALLEST_TILE = 16;
/** Tiles are written and read past the page cache, which wants their addresses to be multiples of this. */
const TILE_ALIGN = 4096;
/** What a tile costs besides its entries, here and when it is read later, in bytes of rows that could be read meanwhile. */
export const TILE_COST = 250_000;

export interface TileSizes {
  readonly n: number;
  readonly rowBytes: number;
  readonly dtype: TileDtype;
  /** Bytes of a packed block of rows; see `BlockEvaluator`. */
  readonly packedBytes: (capacity: number) => number;
  /** Largest tile size; 0 for `LARGEST_TILE`. */
  readonly largest: number;
  /** The tile size, when it was chosen before; `largest` does not count then. */
  readonly exactly?: number;
  /** Names of the regions for tiles: one while tiles are used at once, two while the last is being written. */
  readonly tiles: readonly string[];
  /** In which order tiles are worked out: row by row, or in bands of as many tile rows as blocks fit. */
  readonly order: 'rows' | 'bands';
  /** Bytes of other regions that depend on the tile size, their alignment included; they count. Default none. */
  readonly otherBytes?: (tileSize: number) => number;
}

export interface TilePlan {
  readonly tileSize: number;
  /** Packed blocks kept, at least 2. */
  readonly slots: number;
  readonly regions: readonly Region[];
  /** Bytes of the regions, their alignment included, and of the other regions. */
  readonly bytes: number;
  /** Rows read in one pass over the lower triangle. */
  readonly rowsRead: number;
}

/** Tile rows of a band: one slot is left for the column blocks that pass by. */
export function bandRows(slots: number): number {
  return Math.max(1, slots - 1);
}

/**
 * Most blocks read in one pass over the lower triangle of `rows` tile rows. Row by row, each tile row finds slots − 2 of
 * its columns in memory; in bands, each band reads the columns left of it once.
 */
export function blocksRead(rows: number, slots: number, order: TileSizes['order']): number {
  if (slots >= rows) return rows;
  let byRows = rows;
  for (let row = slots - 2; row < rows; row++) byRows += row - (slots - 2);
  if (order === 'rows') return byRows;
  let byBands = rows;
  for (let first = 0; first < rows; first += bandRows(slots)) byBands += first;
  return Math.min(byRows, byBands);
}

function sizeOf(sizes: TileSizes, tileSize: number): BlockSize {
  return { blockRows: tileSize, rowBytes: sizes.rowBytes, packedBytes: sizes.packedBytes };
}

/** Regions for the tiles themselves. */
export function tileRegions({ tiles, dtype }: TileSizes, tileSize: number): Region[] {
  const bytes = alignUp(tileSize ** 2 * dtypeBytes[dtype], TILE_ALIGN);
  return tiles.map((name) => ({ name, bytes, align: TILE_ALIGN }));
}

/** Bytes of regions, their alignment included. */
export function roomOf(regions: readonly Region[]): number {
  return regions.reduce((sum, { bytes, align }) => sum + alignUp(bytes, 64) + (align ?? 64), 0);
}

/** What making the lower triangle takes besides its arithmetic, in bytes of rows read. */
export function planCost(
  { n, rowBytes }: TileSizes,
  { tileSize, rowsRead }: Pick<TilePlan, 'tileSize' | 'rowsRead'>,
): number {
  return rowsRead * rowBytes + (tileRows(n, tileSize) ** 2 / 2) * TILE_COST;
}

function planOf(sizes: TileSizes, tileSize: number, slots: number): TilePlan {
  const regions = [
    ...packedBlockRegions('kernel', sizeOf(sizes, tileSize), slots),
    ...tileRegions(sizes, tileSize),
  ];
  const bytes = roomOf(regions) + (sizes.otherBytes?.(tileSize) ?? 0);
  const blocks = blocksRead(tileRows(sizes.n, tileSize), slots, sizes.order);
  const rowsRead = Math.min(blocks * tileSize, blocks === tileRows(sizes.n, tileSize) ? sizes.n : Infinity);
  return { tileSize, slots, regions, bytes, rowsRead };
}

/** The plan of this tile size with as many slots as fit, at least 2. */
function planWith(sizes: TileSizes, tileSize: number, bytes: number): TilePlan {
  const least = planOf(sizes, tileSize, 2);
  const slot = alignUp(sizes.packedBytes(tileSize), 64);
  const more = Math.max(0, Math.floor((bytes - least.bytes) / slot));
  return planOf(sizes, tileSize, Math.min(2 + more, Math.max(2, tileRows(sizes.n, tileSize))));
}

/** Tile sizes to choose from, the largest first. */
function candidates({ n, largest, exactly }: TileSizes): number[] {
  if (exactly !== undefined) return [exactly];
  const sizes: number[] = [];
  const first = Math.max(SMALLEST_TILE, largest === 0 ? LARGEST_TILE : largest);
  for (let size = first; size >= SMALLEST_TILE; size = Math.floor(size * 0.9)) {
    size -= size % SMALLEST_TILE;
    sizes.push(balancedTileSize(n, size));
  }
  return sizes;
}

/**
 * Tile size and packed blocks for at most `bytes` bytes where that is possible, else the smallest that work: the
 * fewest bytes of rows read in a pass, few tiles among equals. Pure.
 */
export function planTiles(sizes: TileSizes, bytes: number): TilePlan {
  let best: TilePlan | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const tileSize of candidates(sizes)) {
    const plan = planWith(sizes, tileSize, bytes);
    if (plan.bytes > bytes) continue;
    const cost = planCost(sizes, plan);
    if (cost < least) [best, least] = [plan, cost];
  }
  return best ?? smallestTilePlan(sizes);
}

/** The plan that takes the fewest bytes. */
export function smallestTilePlan(sizes: TileSizes): TilePlan {
  const plans = candidates(sizes).map((tileSize) => planOf(sizes, tileSize, 2));
  return plans.reduce((least, plan) => (plan.bytes < least.bytes ? plan : least));
}
