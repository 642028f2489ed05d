import type { KernelTrainOptions } from '../../options.js';
import {
  blockColumns,
  largestRank,
  preconditionerFlops,
  preconditionerRegions,
} from '../../precondition/planPreconditioner.js';
import { type SolverPlan, type SystemSize, vectorWidth } from '../solver.js';

/** Flops to evaluate an entry of K and use it, when the number of features is not known. */
const ENTRY_FLOPS = 800;

/** Passes to a relative residual of 1e-4: measured on MNIST, where they fall with the root of the rank. */
function expectedPasses(rank: number): number {
  return Math.ceil(Math.min(300, 1500 / Math.sqrt(Math.max(1, rank))));
}

/**
 * The rank at which passes saved no longer pay for making F. With passes a/√rank, each n²/2·e flops, and 2·n·rank² to
 * make F, the sum is least at rank^2.5 = a·n·e/16.
 */
export function usefulRank(n: number): number {
  const best = ((1500 * n * ENTRY_FLOPS) / 16) ** 0.4;
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
  const most = options.rank >= 0 ? Math.min(options.rank + (options.rank % 2), size.n) : usefulRank(size.n);
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
  if (size.heldOut) {
    notes.push(
      options.refit
        ? 'rows held out choose when to stop and which regularization is best; the last passes use all rows'
        : 'rows held out choose when to stop and which regularization is best, and are not learnt from',
    );
  }
  return {
    regions,
    passes: Math.min(options.passes, expectedPasses(rank)),
    scratchBytes: 0,
    flops: preconditionerFlops(size.n, rank) * 2,
    notes,
  };
}
