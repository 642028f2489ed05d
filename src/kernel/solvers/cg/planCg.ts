import type { KernelTrainOptions } from '../../options.js';
import {
  blockColumns,
  columnsAtOnce,
  largestRank,
  preconditionerFlops,
  preconditionerRegions,
} from '../../precondition/planPreconditioner.js';
import type { KernelUse } from '../kernelUse.js';
import { type SolverPlan, type SystemSize, vectorWidth } from '../solver.js';
import { expectedPasses } from './expectedPasses.js';
import { allowsFloats } from './productPrecision.js';

/** Share of the passes that may be spent before the rows held out are learnt from too. */
const SEARCH_SHARE = 0.75;

/** A step and the true residual; after a search, which takes a step too, when rows held out are to be learnt from. */
export function leastPasses({ refit }: Pick<KernelTrainOptions, 'refit'>, heldOut: boolean): number {
  return heldOut && refit ? 3 : 2;
}

/** Most passes before the rows held out are learnt from too: a step and the true residual are left. */
export function searchPasses(passes: number): number {
  return Math.max(1, Math.min(Math.ceil(SEARCH_SHARE * passes), passes - 2));
}

/** Flops to evaluate or read an entry of K, when neither features nor disk are known. */
const ENTRY_FLOPS = 200;

/**
 * The rank at which passes saved no longer pay for making F. With a/√rank passes, n²/2·e flops each, and 4·n·rank² to
 * make F and FᵀF, the sum is least at rank^2.5 = a·n·e/32. A quarter of n at most: beyond, a direct solver is better.
 */
function usefulRank(
  { n, entryFlops = ENTRY_FLOPS }: SystemSize,
  { reg, tol }: Pick<KernelTrainOptions, 'reg' | 'tol'>,
): number {
  const one = expectedPasses(n, Math.min(...reg), 1, Math.min(tol, 0.1));
  const best = ((one * n * entryFlops) / 32) ** 0.4;
  return Math.min(Math.floor((n - 1) / 4), Math.round(best));
}

/** Memory of cg: three blocks of vectors, and in what is left the preconditioner. */
export function planCg(size: SystemSize, options: KernelTrainOptions, bytes: number): SolverPlan {
  const width = vectorWidth(size);
  const vectors = ['cg residuals', 'cg directions', 'cg products'].map((name) => ({
    name,
    bytes: 8 * size.n * width,
  }));
  const vectorBytes = vectors.reduce((sum, region) => sum + region.bytes + 64, 0);
  const factor = { n: size.n, width, regularizations: size.regularizations };
  const most =
    options.rank >= 0 ? Math.min(Math.ceil(options.rank / 4) * 4, size.n) : usefulRank(size, options);
  const rank = largestRank(factor, bytes - vectorBytes, most);
  const regions = [...vectors, ...preconditionerRegions({ ...factor, rank })];
  const notes: string[] = [];
  if (rank === 0) notes.push('conjugate gradients without a preconditioner');
  else {
    notes.push(
      `preconditioner: randomly pivoted Cholesky of rank ${rank}, made ${blockColumns(rank)} columns at a time`,
    );
  }
  if (rank < Math.min(options.rank, size.n)) notes.push(`--rank=${options.rank} does not fit the budget`);
  const expected = expectedPasses(size.n, Math.min(...options.reg), rank, options.tol);
  const floats = options.dtype !== 'float64' && allowsFloats(options, expected);
  if (floats)
    notes.push('products of tiles in float32 where the kernel and --reg allow it, checked in float64');
  if (size.heldOut) {
    notes.push(
      options.refit
        ? 'rows held out choose when to stop and which regularization is best; the last passes use all rows'
        : 'rows held out choose when to stop and which regularization is best, and are not learnt from',
    );
  }
  const { passes, text } = passesOf(size, options, expected);
  notes.unshift(text);
  return {
    regions,
    passes,
    scratchBytes: 0,
    use: (kernel) => useOfCg(kernel, rank, floats, passes),
    flops: preconditionerFlops(size.n, rank) * 2,
    notes,
  };
}

/** Passes to expect, the last of them for the true residual, and what to say of them. */
function passesOf(
  { heldOut }: SystemSize,
  { passes: most, refit }: KernelTrainOptions,
  expected: number,
): { readonly passes: number; readonly text: string } {
  const steps = Math.max(1, Math.ceil(expected));
  // With all rows the columns of one regularization begin where those without the rows held out ended: little is saved.
  const search = heldOut && refit ? Math.min(searchPasses(most), steps) : 0;
  const solve = Math.min(most - search, steps + 1);
  const passes = search + solve;
  const parts = search > 0 ? ` (${search} without the rows held out, ${solve} with all rows)` : '';
  const text =
    passes < most
      ? `${passes} passes${parts} are an estimate, and with them the bytes to read; --passes allows ${most}`
      : `${passes} passes${parts} are the most that --passes allows; it ends sooner when --tol is reached`;
  return { passes, text };
}

/** What making the preconditioner and so many passes ask of the kernel. */
function useOfCg(kernel: KernelUse, rank: number, floats: boolean, passes: number): void {
  if (rank > 0) {
    kernel.diagonal();
    const batch = columnsAtOnce(rank, kernel.stored);
    for (let made = 0; made < rank; made += batch) kernel.columns(Math.min(batch, rank - made));
  }
  if (floats) kernel.diagonal();
  kernel.tiles([kernel.triangle], passes);
}
