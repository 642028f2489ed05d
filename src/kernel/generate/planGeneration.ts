import { dtypeBytes } from '../../arithmetic/dtype.js';
import type { RowLayout } from '../../data/rowLayout.js';
import { alignUp, budgetTooSmall, layOut, type Region } from '../../memory/plan.js';
import { smallestBudget } from '../../memory/smallestBudget.js';
import type { TileDtype } from '../functions/kernelFunction.js';
import { threadRegions } from '../startThreads.js';
import { tileCount } from '../tiles/kernelMatrix.js';
import { planRowBand, type RowBandPlan, rowBandNote } from '../tiles/rowBandPlan.js';
import { bandRows, LARGEST_TILE, planCost, planTiles, type TilePlan } from '../tiles/tilePlan.js';
import { GENERATED_TILES } from './generateTiles.js';

/** A tile takes at most this share of the budget, so that jobs of the same budget can hold several of the matrix. */
const TILE_SHARE = 8;
/** What waiting for a whole block to be read and packed costs all threads, in bytes of rows that could be read meanwhile. */
const BLOCK_COST = 500_000;

export interface GenerationSizes {
  readonly n: number;
  readonly layout: RowLayout;
  readonly dtype: TileDtype;
  readonly threads: number;
  readonly budgetBytes: number;
  /** Largest tile size; 0 lets the plan choose. */
  readonly tile: number;
  /** Tile size of a kernel that was begun before; `tile` does not count then. */
  readonly tileBefore?: number;
  /** Bytes of a packed block of rows; see `BlockEvaluator`. */
  readonly packedBytes: (capacity: number) => number;
  /** Regions of the evaluation, and of the stored kernel for this tile size. */
  readonly otherRegions: (tileSize: number, budgetBytes: number) => readonly Region[];
  /** Tiles finished before. Default 0. */
  readonly tilesDone?: number;
}

export interface GenerationPlan {
  readonly tileSize: number;
  /** Tile rows of a band; goes to `generateTiles`. */
  readonly band: number;
  /** Rows that pass a band of one tile row at once, 0 when blocks of `tileSize` rows do; goes to `makeTiles`. */
  readonly width: number;
  readonly regions: readonly Region[];
  readonly plannedPeakBytes: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly notes: readonly string[];
}

/**
 * Tile size, regions and traffic of building a kernel on disk. Pure.
 *
 * @throws MlmlError `MLML_BUDGET_TOO_SMALL`, naming a budget that works
 */
export function planGeneration(sizes: GenerationSizes): GenerationPlan {
  const { n, layout, dtype, threads, budgetBytes, packedBytes, otherRegions, tileBefore } = sizes;
  const fixed = (tileSize: number, budget: number) => [
    ...threadRegions(threads, budget),
    ...otherRegions(tileSize, budget),
  ];
  const tileSizes = {
    n,
    rowBytes: layout.rowBytes,
    dtype,
    packedBytes,
    tiles: GENERATED_TILES,
    order: 'bands' as const,
    ...(tileBefore === undefined ? {} : { exactly: tileBefore }),
  };
  const planFor = (budget: number) => {
    const largestByBudget = Math.floor(Math.sqrt(budget / TILE_SHARE / dtypeBytes[dtype]));
    const largest = Math.min(sizes.tile === 0 ? LARGEST_TILE : sizes.tile, Math.max(64, largestByBudget));
    const otherBytes = (tileSize: number) => layOut(fixed(tileSize, budget)).totalBytes;
    const given = { ...tileSizes, largest, otherBytes };
    const blocks = planTiles(given, budget);
    // When all rows stay in memory there is nothing to gain.
    if (blocks.bytes <= budget && blocks.rowsRead === n) return blocks;
    const passing = planRowBand(given, budget);
    if (passing === undefined) return blocks;
    const blockReads = blocks.rowsRead / blocks.tileSize;
    const blocksCost = planCost(given, blocks) + blockReads * BLOCK_COST;
    return blocks.bytes <= budget && blocksCost <= passing.cost ? blocks : passing;
  };
  const plan = planFor(budgetBytes);
  if (plan.bytes > budgetBytes) {
    const job = `generate on ${n} rows of ${layout.d} features with ${threads} threads`;
    const advice = tileBefore === undefined ? '' : `the kernel was begun with tiles of ${tileBefore} rows`;
    throw budgetTooSmall(
      job,
      smallestBudget((budget) => planFor(budget).bytes, budgetBytes),
      budgetBytes,
      advice,
    );
  }
  const regions = [...fixed(plan.tileSize, budgetBytes), ...plan.regions];
  const tiles = tileCount(n, plan.tileSize);
  const tileBytes = alignUp(plan.tileSize ** 2 * dtypeBytes[dtype], 4096);
  const left = tiles - (sizes.tilesDone ?? 0);
  return {
    tileSize: plan.tileSize,
    band: 'slots' in plan ? bandRows(plan.slots) : 1,
    width: 'slots' in plan ? 0 : plan.width,
    regions,
    plannedPeakBytes: layOut(regions).totalBytes,
    bytesRead: Math.ceil((plan.rowsRead * layout.rowBytes * left) / tiles),
    bytesWritten: left * tileBytes,
    notes: notes(sizes, plan, tiles),
  };
}

function notes({ n, threads }: GenerationSizes, plan: TilePlan | RowBandPlan, tiles: number): string[] {
  const { tileSize } = plan;
  return [
    `${tiles} tiles of ${tileSize} x ${tileSize} entries: the lower triangle of ${n} x ${n}`,
    'slots' in plan ? blocksNote(n, plan) : rowBandNote(n, plan),
    threads === 1 ? 'one thread' : `${threads} threads share each tile`,
  ];
}

function blocksNote(n: number, { tileSize, slots, rowsRead }: TilePlan): string {
  if (rowsRead === n) return 'all rows stay in memory, packed for the kernel: each is read once';
  const times = (rowsRead / n).toFixed(1);
  return `${slots} blocks of ${tileSize} rows stay in memory; each row is read ${times} times on average`;
}
