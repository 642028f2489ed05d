import { plannedRank } from '../../precondition/planPreconditioner.js';
import type { ProductPrecision } from '../../tiles/multiply.js';
import type { KernelProblem } from '../solver.js';
import { expectedPasses } from './expectedPasses.js';

/** Of an entry on the diagonal: beyond, or below its inverse, floats would overflow or vanish. */
const LARGEST_DIAGONAL = 2 ** 40;
/** Tolerances below are always left to doubles. */
const SMALLEST_TOL = 1e-5;
/** Recurrences that take longer lose too much of what keeps their directions conjugate. */
const MOST_PASSES = 100;

/** Whether products in floats can do for so many passes, whatever K is. */
export function allowsFloats(
  { tol, reg }: { readonly tol: number; readonly reg: readonly number[] },
  passes: number,
): boolean {
  return tol >= SMALLEST_TOL && Math.min(...reg) > 0 && passes <= MOST_PASSES;
}

/**
 * In what the directions of conjugate gradients are multiplied with K: in floats when that costs next to no passes and no
 * exactness, that is when
 * - the drift they cause between the residual of the recurrence and the true one is small against `tol`: tol ≥
 *   2⁻²⁴·√(trace(K)/λ). Measured on MNIST (10 000 rows, RBF 5, λ 0.1 and 0.001) it is 1.7e-6 and 1.3e-5 of ‖Y‖, 0.1 and
 *   0.07 of that;
 * - few passes are expected. There, λ 0.1 and tol 1e-4, ranks of 1000, 500 and 128 take 23, 32 and 56 passes, with
 *   doubles 23, 32 and 55; but rank 32 takes 96, not 89, and no preconditioner 190, not 158.
 *
 * Products with the preconditioner's F follow: in floats they change the passes in none of these cases.
 *
 * The true residual is computed in doubles in any case, so the rule decides on time alone.
 */
export async function productPrecision(problem: KernelProblem): Promise<ProductPrecision> {
  const { matrix, options, workspace } = problem;
  const rank = plannedRank(workspace.arena);
  const passes = expectedPasses(matrix.n, Math.min(...options.reg), rank, options.tol);
  if (matrix.dtype === 'float64' || !allowsFloats(options, passes)) return 'float64';
  const diagonal = workspace.arena.float64('cg products').subarray(0, matrix.n);
  await matrix.diagonal(diagonal);
  let [trace, largest] = [0, 0];
  for (const value of diagonal) {
    trace += value;
    largest = Math.max(largest, Math.abs(value));
  }
  if (!(largest <= LARGEST_DIAGONAL && trace >= matrix.n / LARGEST_DIAGONAL)) return 'float64';
  return options.tol >= 2 ** -24 * Math.sqrt(trace / Math.min(...options.reg)) ? 'float32' : 'float64';
}
