import { alignUp, type Region } from '../../memory/plan.js';
import { PACK_ROWS } from '../functions/blockEvaluator.js';
import { balancedTileSize, tileRows } from './kernelMatrix.js';
import { LARGEST_TILE, planCost, roomOf, SMALLEST_TILE, type TileSizes, tileRegions } from './tilePlan.js';

/** Names of the regions; see `RowBandKernel`. */
export const BAND_STAGE = 'band stage';
export const BAND_ROWS = 'band rows';
export const BAND_COLUMNS = 'band columns';

/** Packed blocks of columns: one passes by while the next is made. */
export const COLUMN_BLOCKS = 2;
/** Columns that may pass by at once, the most first. */
const WIDTHS = [128, 96, 64, 48, 32, 16];
/** What handing out one block of columns to the threads costs, in bytes of rows that could be read meanwhile. */
const PASSING_COST = 150_000;
/** Bytes that are worth one read. */
const READ_BYTES = 65_536;

export interface RowBandPlan {
  /** Rows of the band that stays packed, and of a tile. */
  readonly tileSize: number;
  /** Rows that pass by at once, a multiple of 16. */
  readonly width: number;
  readonly regions: readonly Region[];
  /** As in `TilePlan`. */
  readonly bytes: number;
  readonly rowsRead: number;
  /** Comparable with `planCost` of a `TilePlan`. */
  readonly cost: number;
}

/** Bytes from one packed block of columns to the next. */
export function columnBlockBytes(packedBytes: (capacity: number) => number, width: number): number {
  return alignUp(packedBytes(width), 64);
}

/** Stored rows that are read at once, a multiple of 16. */
export function stageRows(rowBytes: number, width: number): number {
  return Math.min(width, alignUp(READ_BYTES / rowBytes, PACK_ROWS));
}

function planOf(sizes: TileSizes, tileSize: number, width: number, otherBytes: number): RowBandPlan {
  const { n, rowBytes, packedBytes } = sizes;
  const regions = [
    { name: BAND_STAGE, bytes: stageRows(rowBytes, width) * rowBytes },
    { name: BAND_ROWS, bytes: packedBytes(tileSize) },
    { name: BAND_COLUMNS, bytes: COLUMN_BLOCKS * columnBlockBytes(packedBytes, width) },
    ...tileRegions(sizes, tileSize),
  ];
  const bands = tileRows(n, tileSize);
  const passing = (tileSize * bands * (bands - 1)) / 2;
  const rowsRead = n + passing;
  const cost = planCost(sizes, { tileSize, rowsRead }) + (passing / width) * PASSING_COST;
  return { tileSize, width, regions, bytes: roomOf(regions) + otherBytes, rowsRead, cost };
}

/**
 * The lower triangle one tile row after the other: its rows stay packed, the rows before them pass by, a few at a time. Where
 * little fits, more rows can stay this way than in whole blocks (`planTiles`), so each row is read and packed less often.
 * The plan of the least cost for at most `bytes` bytes; undefined when there is none. Pure.
 */
export function planRowBand(sizes: TileSizes, bytes: number): RowBandPlan | undefined {
  let best: RowBandPlan | undefined;
  for (const tileSize of tileSizesOf(sizes)) {
    const other = sizes.otherBytes?.(tileSize) ?? 0;
    for (const width of WIDTHS) {
      if (width > tileSize) continue;
      const plan = planOf(sizes, tileSize, width, other);
      if (plan.bytes <= bytes && plan.cost < (best?.cost ?? Number.POSITIVE_INFINITY)) best = plan;
    }
  }
  return best;
}

/** All sizes of tiles, no two with the same number of tile rows. */
function tileSizesOf({ n, largest, exactly }: TileSizes): number[] {
  if (exactly !== undefined) return [exactly];
  const most = Math.max(SMALLEST_TILE, largest === 0 ? LARGEST_TILE : largest);
  const sizes = new Set<number>();
  for (let size = most - (most % SMALLEST_TILE); size >= SMALLEST_TILE; size -= SMALLEST_TILE)
    sizes.add(balancedTileSize(n, size));
  return [...sizes];
}

export function rowBandNote(n: number, { tileSize, width, rowsRead }: RowBandPlan): string {
  const times = (rowsRead / n).toFixed(1);
  return (
    `${tileSize} rows stay in memory while those before them pass by, ${width} at a time; ` +
    `each row is read ${times} times on average`
  );
}
