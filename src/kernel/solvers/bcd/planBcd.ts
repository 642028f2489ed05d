import { packedLength } from '../../../arithmetic/gram.js';
import type { Arena } from '../../../memory/arena.js';
import type { Region } from '../../../memory/plan.js';
import type { KernelTrainOptions } from '../../options.js';
import type { KernelUse } from '../kernelUse.js';
import { type SolverPlan, type SystemSize, vectorWidth } from '../solver.js';
import { type BlockGroup, cutBlocks, diagonalSpan, largestBlock, spansLeft } from './blocks.js';

/** Search directions in each step, all regularizations together, where memory allows. */
const WANTED_DIRECTIONS = 16;
/** Larger blocks cost more in factors than they save in passes. */
const LARGEST_BLOCK = 4096;
/** Blocks below this are made only when the user asks. */
const SMALLEST_BLOCK = 64;
/** Full products a typical problem takes to a residual of 1e-4. */
const TYPICAL_STEPS = 45;
/** A start takes a pass, each step two, and the last residual one. */
export const LEAST_PASSES = 4;

/** How a system is cut up: pure, so that the plan and the solver agree. */
export interface BcdShape {
  readonly groups: readonly BlockGroup[];
  /** Directions of each regularization: its k columns, and random ones that widen the search. */
  readonly directions: number;
  /** Columns of blocks of directions: `directions` for each regularization. Even. */
  readonly width: number;
  readonly blockRows: number;
  /** All factors lie in memory; else one at a time, read from disk. */
  readonly resident: boolean;
}

function directionsOf(size: SystemSize, wanted: number): number {
  return 2 * Math.ceil(Math.max(size.k, Math.floor(wanted / size.regularizations)) / 2);
}

/** Doubles of all factors. */
function factorLength(groups: readonly BlockGroup[]): number {
  return groups.reduce((sum, { blocks }) => blocks.reduce((s, { rows }) => s + packedLength(rows), sum), 0);
}

function fixedRegions(size: SystemSize, width: number): Region[] {
  const vectors = (name: string, columns: number) => ({ name, bytes: 8 * size.n * columns });
  return [
    vectors('bcd residual', vectorWidth(size)),
    vectors('bcd reduced residual', width),
    vectors('bcd directions', width),
    vectors('bcd steps', width),
    vectors('bcd products', width),
    vectors('bcd reduced products', width),
    vectors('bcd sums', width),
    { name: 'bcd order', bytes: 4 * size.n },
    { name: 'bcd places', bytes: 4 * size.n },
    { name: 'bcd small', bytes: 8 * (width / size.regularizations) ** 2 },
    { name: 'bcd cross', bytes: 8 * width * width },
    { name: 'bcd coefficients', bytes: 8 * width * width },
    { name: 'bcd narrow', bytes: 8 * width * vectorWidth(size) },
  ];
}

function blockRegions(shape: Omit<BcdShape, 'groups'>, factors: number): Region[] {
  const rows = (name: string) => ({ name, bytes: 8 * shape.blockRows * shape.width });
  return [
    { name: 'bcd factors', bytes: 8 * factors },
    rows('bcd first'),
    rows('bcd second'),
    rows('bcd third'),
  ];
}

function total(regions: readonly Region[]): number {
  return regions.reduce((sum, { bytes }) => sum + bytes + 64, 0);
}

/** Regions and shape for at most `bytes`, or the smallest. */
function shapeBcd(
  size: SystemSize,
  options: KernelTrainOptions,
  bytes: number,
): { shape: BcdShape; regions: readonly Region[] } {
  const wide = directionsOf(size, WANTED_DIRECTIONS);
  // Random directions may take at most half of the memory.
  const directions =
    total(fixedRegions(size, wide * size.regularizations)) <= bytes / 2 ? wide : directionsOf(size, 0);
  const width = directions * size.regularizations;
  const fixed = fixedRegions(size, width);
  const left = bytes - total(fixed) - 4 * 64;
  // One factor and three blocks of vectors: 4b² + 24·width·b bytes.
  const half = 3 * width;
  const fitting = Math.floor(Math.sqrt(half * half + Math.max(0, left) / 4) - half) - 2;
  const asked =
    options.block > 0 ? options.block : Math.max(SMALLEST_BLOCK, Math.min(LARGEST_BLOCK, fitting));
  const cut = (largest: number, resident: boolean) => {
    const groups = cutBlocks(size.n, size.tileSize, Math.min(size.n, largest));
    const blockRows = largestBlock(groups);
    const factors = resident ? factorLength(groups) * size.regularizations : packedLength(blockRows);
    const shape = { groups, directions, width, blockRows, resident };
    return { shape, regions: [...fixed, ...blockRegions(shape, factors)] };
  };
  const kept = cut(asked, true);
  if (total(kept.regions) <= bytes) return kept;
  if (options.block === 0) {
    // Factors in memory spare reading; blocks half as large as the largest are worth it.
    const rows = Math.floor(left / (4 * size.n * size.regularizations + 24 * width));
    const smaller = cut(Math.max(SMALLEST_BLOCK, rows), true);
    if (smaller.shape.blockRows * 2 >= asked && total(smaller.regions) <= bytes) return smaller;
  }
  return cut(asked, false);
}

/** The shape that an arena made from the plan's regions has. */
export function shapeOfArena(size: SystemSize, arena: Arena): BcdShape {
  const width = arena.byteLength('bcd directions') / 8 / size.n;
  const blockRows = arena.byteLength('bcd first') / 8 / width;
  const groups = cutBlocks(size.n, size.tileSize, blockRows);
  const resident = arena.byteLength('bcd factors') >= 8 * factorLength(groups) * size.regularizations;
  return { groups, directions: width / size.regularizations, width, blockRows, resident };
}

export function planBcd(size: SystemSize, options: KernelTrainOptions, bytes: number): SolverPlan {
  const { shape, regions } = shapeBcd(size, options, bytes);
  const count = shape.groups.reduce((sum, { blocks }) => sum + blocks.length, 0);
  let flops = 0;
  for (const { blocks } of shape.groups) {
    for (const { rows } of blocks)
      flops += (size.regularizations * rows ** 3) / 3 + 5 * TYPICAL_STEPS * rows ** 2 * shape.width;
  }
  const most = Math.max(1, Math.floor((options.passes - 2) / 2));
  // One block is all of K: its factor is the solution.
  const steps = Math.min(most, count === 1 ? 1 : TYPICAL_STEPS);
  const factorBytes = shape.resident ? 0 : 8 * factorLength(shape.groups) * size.regularizations;
  // Of one regularization a factor stays in memory from one use to the next: inside a block, and where a sweep turns round.
  const uses = size.regularizations === 1 ? 1 + 2 * steps * (1 - 1 / count) : 2 + 3 * steps;
  return {
    regions,
    passes: 2 + 2 * steps,
    scratchBytes: factorBytes,
    scratchRead: Math.round(uses * factorBytes),
    use: (kernel) => useOfBcd(kernel, shape, size.regularizations, steps),
    flops,
    notes: [
      steps < most
        ? `${2 + 2 * steps} passes are an estimate, and with them the bytes to read; --passes allows ${options.passes}`
        : `${2 + 2 * steps} passes are the most that --passes=${options.passes} allows; it ends sooner when --tol is reached`,
      `${count} blocks of ${shape.blockRows} unknowns, ${shape.directions} search directions for each regularization; ` +
        `factors ${shape.resident ? 'in memory' : 'on disk, one in memory'}`,
    ],
  };
}

/** What making the factors and so many steps ask of the kernel. */
function useOfBcd(
  kernel: KernelUse,
  { groups, resident }: BcdShape,
  regularizations: number,
  steps: number,
): void {
  for (const group of groups) {
    const rounds = regularizations * (resident ? 1 : group.blocks.length);
    kernel.tiles([{ spans: [diagonalSpan(group)] }], rounds);
  }
  const spans = spansLeft(groups);
  kernel.tiles([{ spans }], 1);
  kernel.tiles([{ spans, back: true }, { spans }], steps);
  kernel.tiles([kernel.triangle], 1);
}
