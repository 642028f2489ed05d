import type { KernelTrainOptions } from '../../options.js';
import {
  blockColumns,
  largestRank,
  preconditionerFlops,
  preconditionerRegions,
} from '../../precondition/planPreconditioner.js';
import { type SolverPlan, type SystemSize, vectorWidth } from '../solver.js';
import { expectedPasses } from './expectedPasses.js';
import { allowsFloats } from './productPrecision.js';

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
  if (options.dtype !== 'float64' && allowsFloats(options, expected))
    notes.push('products of tiles in float32 where the kernel and --reg allow it, checked in float64');
  if (size.heldOut) {
    notes.push(
      options.refit
        ? 'rows held out choose when to stop and which regularization is best; the last passes use all rows'
        : 'rows held out choose when to stop and which regularization is best, and are not learnt from',
    );
  }
  return {
    regions,
    passes: Math.ceil(Math.min(options.passes, 1 + expected)),
    scratchBytes: 0,
    flops: preconditionerFlops(size.n, rank) * 2,
    notes,
  };
}
